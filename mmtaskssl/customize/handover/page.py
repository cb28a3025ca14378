"""The report of a customization: one page, the answer first."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...report import html_page
from ...report.parts import (
    Html,
    bare_table,
    meter,
    notes,
    printed,
    table,
    text,
    tiles,
    told,
)
from . import arm_table, budget_curve, forest
from .figures import arm_of, count, metric_of, over, tested, time, verdicts_of
from .levers import lever_table
from .next_steps import next_steps

_STYLE = f"""
h1 {{ max-width: 34ch; overflow-wrap: anywhere; }} .answer {{ margin: 22px 0 0; }}
.answer > h2:first-child {{ margin-top: 34px; }}
.lead {{ font-size: 17px; max-width: 70ch; margin: 8px 0 14px; }}
.use pre {{ padding: 10px 14px; background: var(--card); overflow-x: auto;
  border: 1px solid var(--line); border-radius: 8px; font-size: 13px; }}
.spent td .meter {{ width: 160px; }} .spent i.c {{ top: 4px; }}
.query .pics {{ grid-template-columns: repeat(auto-fill, 82px); }}
.next {{ padding-left: 20px; max-width: 76ch; }} .next li {{ margin: 6px 0; }}
@media (max-width: 700px) {{
  .spent td .meter {{ width: 84px; }} .spent td, .spent th {{ padding-right: 10px; }}
}}
{forest.STYLE}{arm_table.STYLE}{budget_curve.STYLE}"""


def page(record: Mapping[str, Any], sections: Sequence[str] = ()) -> str:
    """Makes the page of a record.

    Args:
        record: What `customize` writes to record.json. What is not in it is left out.
        sections: HTML on the pool seen through the target, each with its heading.

    Returns:
        HTML, complete in itself: no script, nothing is fetched.
    """
    verdicts = verdicts_of(record)
    title = verdicts[0].get("sentence") if len(verdicts) == 1 else None
    if not title:
        kind = (record.get("inspection") or {}).get("kind")
        of = f" for {kind}" if kind else ""
        told = f"The backbones to use{of}" if verdicts else "A plan, and no verdict yet"
        title = told
    head, rest = _divided(title)
    body = [f"<h1>{text(head)}</h1>"]
    if rest:
        body.append(f'<p class="lead">{text(rest)}</p>')
    for verdict in verdicts:
        body.append(_answer(record, verdict, len(verdicts) > 1))
    body += [
        _pool(record),
        *sections,
        _arms(record, verdicts),
        _section("What each lever brings", lever_table(record, verdicts)),
        _section("What a larger budget brings", budget_curve.budget_curve(record)),
        _spent(record),
        _next(record),
        _use(record),
        _made(record),
    ]
    return html_page(head, [part for part in body if part], _STYLE)


def _divided(sentence: str) -> tuple[str, str]:
    """Returns what to use, as a heading, and the rest of the sentence."""
    head, found, rest = sentence.partition(": ")
    if not found or not head.startswith("Use "):
        return sentence, ""
    return head, rest[:1].upper() + rest[1:]


def _section(title: str, inner: str) -> str:
    return f"<h2>{text(title)}</h2>{inner}" if inner else ""


def _answer(
    record: Mapping[str, Any], verdict: Mapping[str, Any], several: bool
) -> str:
    budget, name = verdict.get("budget"), verdict.get("recommended")
    arm = arm_of(record, name, budget)
    figures = [(str(name), "the backbone to use")] if name else []
    metric = metric_of(arm)
    if values := tested(arm, metric):
        figures.append((over(values), f"{metric} on the test images, in %"))
    if arm.get("macs"):
        cost = f"MACs an image at {arm.get('side')} px"
        figures.append(
            (count(arm["macs"]), f"{cost}, {count(arm.get('params'))} parameters")
        )
    parts = []
    if several:
        parts.append(f"<h2>Budget {text(budget)}</h2>")
        said = text(verdict.get("sentence") or "")
        parts.append(f'<p class="lead">{said}</p>')
    if choice := verdict.get("choice"):
        parts.append(f'<p class="lead">{text(choice)}</p>')
    parts.append(tiles(figures))
    if picture := forest.forest(verdict):
        names = verdict.get("names") or {}
        ours = verdict.get("candidate") or verdict.get("chosen")
        shown = text(names.get(ours, ours))
        level = 100 * float(verdict.get("level") or 0.95)
        metric = text(verdict.get("metric") or "linear")
        parts.append(
            f"<h2>What {shown} brings</h2>"
            f'<p class="soft">Points of {metric} on the test images, by which nothing '
            f"was chosen; {level:g} % intervals, of "
            f"{text(verdict.get('scope') or 'these weights')}; right of "
            f"zero it is better.</p>{picture}"
        )
    return f'<div class="answer">{"".join(parts)}</div>'


def _pool(record: Mapping[str, Any]) -> str:
    found = record.get("inspection") or {}
    if not found:
        return ""
    figures = []
    for key, what in (("pool", "images in the pool"), ("kept_out", "kept out of it")):
        value = found.get(key)
        if value is None and key == "pool":
            value = found.get("pool_ids")
        if isinstance(value, int):
            figures.append((f"{value:,}", what))
    for key, what in (("train", "target images to learn from"), ("test", "to test on")):
        part = found.get(key) or {}
        value = part.get("images", part.get("image_ids"))
        if isinstance(value, int):
            figures.append((f"{value:,}", what))
    said = notes(
        (str(one.get("level")), _sentence(one.get("text")))
        for one in found.get("findings") or ()
    )
    return _section("The pool and the target", tiles(figures) + said)


def _sentence(said: Any) -> str:
    said = str(said or "")
    return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")


def _arms(record: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]) -> str:
    arms = record.get("arms") or ()
    budgets = list(dict.fromkeys(arm.get("budget") for arm in arms))
    parts = []
    for budget in budgets:
        mine = [arm for arm in arms if arm.get("budget") == budget]
        verdict = next((v for v in verdicts if v.get("budget") == budget), {})
        if len(budgets) > 1:
            parts.append(f'<p class="lead">Budget {text(budget)}</p>')
        parts.append(arm_table.arm_table(mine, verdict))
    told = (
        '<p class="soft">Folds of the training images chose (mean ± standard error); '
        "by the test images nothing was (mean ± standard deviation over "
        "trainings). Figures are in %.</p>"
    )
    return _section("What was compared", told + "".join(parts) if parts else "")


def _spent(record: Mapping[str, Any]) -> str:
    compute = record.get("compute") or {}
    stages = [s for s in compute.get("stages") or () if s.get("seconds") is not None]
    if not stages:
        return ""
    most = max(stage["seconds"] for stage in stages) or 1
    work = any(stage.get("gmacs") for stage in stages)
    rows = []
    for stage in stages:
        gmacs = stage.get("gmacs")
        macs = [count(gmacs * 1e9) if gmacs else ""] if work else []
        cells = [stage.get("name"), time(stage["seconds"]), *macs]
        rows.append([*cells, meter(stage["seconds"] / most)])
    heads = ["stage", "time", *(["MACs"] if work else []), "(drawn)"]
    total = compute.get("total_seconds")
    gmacs = compute.get("total_gmacs") or compute.get("training_gmacs")
    sums = [] if total is None else [f"{time(total)} in all"]
    if gmacs:
        sums.append(
            f"{count(gmacs * 1e9)} MACs of all trainings, shared ones, too: images "
            "seen times a forward pass"
        )
    said = f'<p class="soft">{"; ".join(sums)}.</p>' if sums else ""
    shown = table(heads, rows, "time and work of each stage", "spent")
    return _section("What it took", f"{said}{shown}")


def _next(record: Mapping[str, Any]) -> str:
    steps = "".join(f"<li>{told(step)}</li>" for step in next_steps(record))
    return _section(
        "What to try next", f'<ul class="next">{steps}</ul>' if steps else ""
    )


def _use(record: Mapping[str, Any]) -> str:
    parts = []
    for one in record.get("backbones") or ():
        folder, config = one.get("folder"), one.get("config") or "config.py"
        budget = one.get("budget")
        about = f"Budget {budget}: " if budget else ""
        lines = [
            f"mmtaskssl pretrain {config} --work-dir WORK  # trains the target with it",
            f"mmtaskssl pretrain YOUR_CONFIG --cfg-options backbone={folder}",
            f'python -c "from mmtaskssl.apis import open_network; '
            f"open_network('{folder}')\"",
        ]
        parts.append(
            f'<p class="soft">{text(about)}{count(one.get("macs"))} MACs, '
            f"{count(one.get('params'))} parameters, in {text(folder)}.</p>"
            f"{printed(chr(10).join(lines), 'commands')}"
        )
    inner = f'<div class="use">{"".join(parts)}</div>' if parts else ""
    return _section("How to use it, in this folder", inner)


def _made(record: Mapping[str, Any]) -> str:
    rows = [("command", record.get("command")), ("mmtaskssl", record.get("mmtaskssl"))]
    rows += [("seed", record.get("seed"))]
    rows += sorted((record.get("environment") or {}).items())
    cells = [
        (name, Html(f"<code>{text(value)}</code>"))
        for name, value in rows
        if value is not None
    ]
    inner = f"<summary>How this was made</summary>{bare_table([], cells)}"
    return f"<details>{inner}</details>" if cells else ""

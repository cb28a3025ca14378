"""The report of a customization: one page, the answer first."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ...report import html_page
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
  body {{ padding: 20px 16px 48px; }} h1 {{ font-size: 23px; }}
  .tiles {{ grid-template-columns: repeat(2, minmax(0, 1fr)); }}
  .tile b {{ font-size: 18px; overflow-wrap: anywhere; }}
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
    body = [f"<h1>{html.escape(head)}</h1>"]
    if rest:
        body.append(f'<p class="lead">{html.escape(rest)}</p>')
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
    return f"<h2>{html.escape(title)}</h2>{inner}" if inner else ""


def _tiles(tiles: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<div class="tile"><b>{html.escape(value)}</b><span>{html.escape(text)}</span>'
        "</div>"
        for value, text in tiles
    )
    return f'<div class="tiles">{inner}</div>' if tiles else ""


def _answer(
    record: Mapping[str, Any], verdict: Mapping[str, Any], several: bool
) -> str:
    budget, name = verdict.get("budget"), verdict.get("recommended")
    arm = arm_of(record, name, budget)
    tiles = [(str(name), "the backbone to use")] if name else []
    metric = metric_of(arm)
    if values := tested(arm, metric):
        tiles.append((over(values), f"{metric} on the test images, in %"))
    if arm.get("macs"):
        cost = f"MACs an image at {arm.get('side')} px"
        tiles.append(
            (count(arm["macs"]), f"{cost}, {count(arm.get('params'))} parameters")
        )
    parts = []
    if several:
        parts.append(f"<h2>Budget {html.escape(str(budget))}</h2>")
        told = html.escape(str(verdict.get("sentence") or ""))
        parts.append(f'<p class="lead">{told}</p>')
    if choice := verdict.get("choice"):
        parts.append(f'<p class="lead">{html.escape(str(choice))}</p>')
    parts.append(_tiles(tiles))
    if picture := forest.forest(verdict):
        names = verdict.get("names") or {}
        ours = verdict.get("candidate") or verdict.get("chosen")
        shown = html.escape(str(names.get(ours, ours)))
        level = 100 * float(verdict.get("level") or 0.95)
        metric = html.escape(str(verdict.get("metric") or "linear"))
        parts.append(
            f"<h2>What {shown} brings</h2>"
            f'<p class="soft">Points of {metric} on the test images, by which nothing '
            f"was chosen; {level:g} % intervals, of "
            f"{html.escape(str(verdict.get('scope') or 'these weights'))}; right of "
            f"zero it is better.</p>{picture}"
        )
    return f'<div class="answer">{"".join(parts)}</div>'


def _pool(record: Mapping[str, Any]) -> str:
    found = record.get("inspection") or {}
    if not found:
        return ""
    tiles = []
    for key, text in (("pool", "images in the pool"), ("kept_out", "kept out of it")):
        value = found.get(key)
        if value is None and key == "pool":
            value = found.get("pool_ids")
        if isinstance(value, int):
            tiles.append((f"{value:,}", text))
    for key, text in (("train", "target images to learn from"), ("test", "to test on")):
        part = found.get(key) or {}
        value = part.get("images", part.get("image_ids"))
        if isinstance(value, int):
            tiles.append((f"{value:,}", text))
    notes = "".join(
        f'<li class="{html.escape(str(one.get("level")))}">'
        f"{html.escape(_sentence(one.get('text')))}</li>"
        for one in found.get("findings") or ()
    )
    notes = f'<ul class="notes">{notes}</ul>' if notes else ""
    return _section("The pool and the target", _tiles(tiles) + notes)


def _sentence(text: Any) -> str:
    text = str(text or "")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _arms(record: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]) -> str:
    arms = record.get("arms") or ()
    budgets = list(dict.fromkeys(arm.get("budget") for arm in arms))
    parts = []
    for budget in budgets:
        mine = [arm for arm in arms if arm.get("budget") == budget]
        verdict = next((v for v in verdicts if v.get("budget") == budget), {})
        if len(budgets) > 1:
            parts.append(f'<p class="lead">Budget {html.escape(str(budget))}</p>')
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
    rows = ""
    for stage in stages:
        gmacs = stage.get("gmacs")
        told = f"<td>{count((gmacs or 0) * 1e9) if gmacs else ''}</td>" if work else ""
        width = 100 * stage["seconds"] / most
        rows += (
            f"<tr><td>{html.escape(str(stage.get('name')))}</td>"
            f'<td>{time(stage["seconds"])}</td>{told}<td><div class="meter">'
            f'<i class="c" style="width:{width:.1f}%"></i></div>'
            "</td></tr>"
        )
    head = f"<th>stage</th><th>time</th>{'<th>MACs</th>' if work else ''}<th></th>"
    total = compute.get("total_seconds")
    gmacs = compute.get("total_gmacs") or compute.get("training_gmacs")
    sums = [] if total is None else [f"{time(total)} in all"]
    if gmacs:
        sums.append(
            f"{count(gmacs * 1e9)} MACs of all trainings, shared ones, too: images "
            "seen times a forward pass"
        )
    said = f'<p class="soft">{"; ".join(sums)}.</p>' if sums else ""
    return _section(
        "What it took", f'{said}<table class="spent"><tr>{head}</tr>{rows}</table>'
    )


def _next(record: Mapping[str, Any]) -> str:
    steps = "".join(f"<li>{html.escape(text)}</li>" for text in next_steps(record))
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
            f'<p class="soft">{html.escape(about)}{count(one.get("macs"))} MACs, '
            f"{count(one.get('params'))} parameters, in {html.escape(str(folder))}.</p>"
            f"<pre>{html.escape(chr(10).join(lines))}</pre>"
        )
    inner = f'<div class="use">{"".join(parts)}</div>' if parts else ""
    return _section("How to use it, in this folder", inner)


def _made(record: Mapping[str, Any]) -> str:
    rows = [("command", record.get("command")), ("mmtaskssl", record.get("mmtaskssl"))]
    rows += [("seed", record.get("seed"))]
    rows += sorted((record.get("environment") or {}).items())
    cells = "".join(
        f"<tr><td>{html.escape(str(name))}</td><td><code>{html.escape(str(value))}"
        "</code></td></tr>"
        for name, value in rows
        if value is not None
    )
    return (
        f"<details><summary>How this was made</summary><table>{cells}</table></details>"
        if cells
        else ""
    )

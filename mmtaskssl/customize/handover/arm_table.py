"""The arms of a budget: what each is, what it costs, and how it came on."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ...report.parts import text, wide
from .figures import DASH, count, last_rung, of_folds, over, tested, time

STYLE = """
.arms { width: 100%; } .arms td, .arms th { vertical-align: top; }
.arms th:first-child { min-width: 190px; max-width: 340px; }
.arms td { white-space: nowrap; padding-right: 14px; }
.arms b small { color: var(--chosen); font-weight: 600; margin-left: 6px; }
.arms p { margin: 2px 0 0; font-size: 13px; line-height: 1.35; color: var(--soft); }
.arms .is b { color: var(--chosen); }
svg.spark { width: 108px; height: 34px; display: inline-block; }
.spark polyline { fill: none; stroke: var(--anywhere); stroke-width: 2; }
.spark circle { fill: var(--anywhere); }
.is .spark polyline { stroke: var(--chosen); }
.is .spark circle { fill: var(--chosen); }
.commands { margin: 14px 0 30px; }
.commands code { display: block; padding: 8px 12px; margin: 4px 0 12px;
  background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  overflow-wrap: anywhere; white-space: pre-wrap; color: var(--ink); }
@media (max-width: 700px) {
  .arms thead { display: none; }
  .arms tr { display: block; padding: 12px 0; border-top: 1px solid var(--line); }
  .arms td { display: flex; justify-content: space-between; padding: 2px 0;
    text-align: right; }
  .arms th:first-child { display: block; text-align: left; max-width: none;
    padding-bottom: 6px; }
  .arms td[data-label]::before { content: attr(data-label); color: var(--soft);
    text-align: left; padding-right: 12px; }
}
"""
_NAMES = {"knn": "kNN"}
_WIDTH, _HEIGHT, _PAD = 108, 34, 5


def arm_table(arms: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any]) -> str:
    """Returns the table.

    Args:
        arms: Of one budget, as the record has them.
        verdict: Of that budget; may be empty.
    """
    if not arms:
        return ""
    metrics = next((list(arm["test"]) for arm in arms if arm.get("test")), ["linear"])
    heads = (
        *(
            "arm",
            "MACs",
            "side",
            "kNN, folds",
            "linear, folds",
            "as it trained",
        ),
        *(f"{_NAMES.get(name, name)}, test" for name in metrics),
        *("images seen", "time"),
    )
    ends = _range(arms)
    rows = "".join(_row(arm, heads, metrics, verdict, ends) for arm in arms)
    head = "".join(
        f'<th scope="col" role="columnheader">{text(name)}</th>' for name in heads
    )
    commands = "".join(
        f"<p><b>{text(arm['name'])}</b></p><code>{text(arm['command'])}</code>"
        for arm in arms
        if arm.get("command")
    )
    details = (
        f'<details class="commands"><summary>Each arm by itself</summary>{commands}'
        "</details>"
    )
    # On a phone rows are shown as blocks, which are a table by their roles alone.
    inner = (
        f'<table class="arms" role="table"><thead><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )
    return f"{wide(inner, 'arms')}{details if commands else ''}"


def _row(
    arm: Mapping[str, Any],
    heads: Sequence[str],
    metrics: Sequence[str],
    verdict: Mapping[str, Any],
    ends: tuple[float, float],
) -> str:
    inner = last_rung(arm)
    seen = arm.get("images_seen")
    side = arm.get("side")
    cells = [
        count(arm.get("macs")),
        DASH if side is None else f"{side} px",
        of_folds(inner.get("knn")),
        of_folds(inner.get("linear")),
        _spark(arm, ends),
        *(over(tested(arm, name)) for name in metrics),
        DASH if seen is None else f"{seen:,}",
        time(arm.get("seconds")),
    ]
    use = arm.get("name") == verdict.get("recommended")
    marks = [
        mark
        for mark, holds in (
            ("use this", use),
            ("control", arm.get("control")),
            ("named beforehand", arm.get("primary")),
        )
        if holds
    ]
    what = text(arm.get("what") or "")
    first = (
        f'<th scope="row" role="rowheader"><b>{text(arm.get("name"))}'
        f"<small>{', '.join(marks)}</small></b>{f'<p>{what}</p>' if what else ''}</th>"
    )
    rest = "".join(
        f'<td role="cell" data-label="{text(name)}">{cell}</td>'
        for name, cell in zip(heads[1:], cells, strict=True)
    )
    return f'<tr role="row" class="{"is" if use else ""}">{first}{rest}</tr>'


def _curve(arm: Mapping[str, Any]) -> list[tuple[float, float]]:
    points = []
    for rung in arm.get("rungs") or ():
        values = (rung.get("inner") or {}).get("linear")
        if values:
            points.append((float(rung.get("iters") or 0), statistics.fmean(values)))
    return points


def _range(arms: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    values = [y for arm in arms for _, y in _curve(arm)] or [0.0]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)


def _spark(arm: Mapping[str, Any], ends: tuple[float, float]) -> str:
    """Draws linear accuracy over iterations, all arms on one scale of accuracy."""
    points = _curve(arm)
    if not points:
        return DASH
    last = max(x for x, _ in points) or 1.0
    drawn = [
        (
            _PAD + (_WIDTH - 2 * _PAD) * x / last if len(points) > 1 else _WIDTH / 2,
            _HEIGHT - _PAD - (_HEIGHT - 2 * _PAD) * (y - ends[0]) / (ends[1] - ends[0]),
        )
        for x, y in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in drawn)
    told = ", ".join(f"{y:.1f} after {x:.0f}" for x, y in points)
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="linear: {told} iterations"><title>{told} iterations</title>'
        f'<polyline points="{line}"/>{dots}</svg>'
    )

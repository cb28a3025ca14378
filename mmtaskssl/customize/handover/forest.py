"""Differences with their intervals as a picture that a phone shows, too."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ...report.axes import ticks
from ..verdict.difference import points
from .figures import told_p

STYLE = """
.forest { margin: 18px 0 6px; max-width: 860px; }
.forest .row { display: grid; grid-template-columns: minmax(150px, 240px) 1fr 172px;
  gap: 4px 16px; align-items: center; padding: 7px 0;
  border-top: 1px solid var(--line); }
.forest .name { font-size: 14px; line-height: 1.3; overflow-wrap: anywhere; }
.forest .name small { display: block; color: var(--soft); font-size: 12px; }
.forest .figure { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.forest .figure small { display: block; color: var(--soft); font-size: 12px; }
.forest .track { position: relative; height: 26px; }
.forest .track i { position: absolute; display: block; }
.forest .zero { top: 0; bottom: 0; border-left: 1px dashed var(--ink); }
.forest .bar { top: 11px; height: 4px; border-radius: 2px; min-width: 2px;
  background: var(--anywhere); }
.forest .dot { top: 6px; width: 14px; height: 14px; margin-left: -7px;
  border-radius: 50%; background: var(--anywhere); border: 2px solid var(--page); }
.forest .better i.bar, .forest .better i.dot { background: var(--chosen); }
.forest .worse i.bar, .forest .worse i.dot { background: var(--warn); }
.forest .axis { height: 20px; font-size: 12px; color: var(--soft); }
.forest .axis span { position: absolute; transform: translateX(-50%); }
@media (max-width: 700px) {
  .forest .row { grid-template-columns: 1fr auto; }
  .forest .track { grid-column: 1 / -1; }
  .forest .row.scale > :not(.track) { display: none; }
}
"""


def forest(verdict: Mapping[str, Any]) -> str:
    """Draws the candidate minus each control: a point, its interval, and zero.

    Args:
        verdict: With ``differences``, as the record has it.

    Returns:
        HTML; "" where nothing was compared.
    """
    rows = [one for one in verdict.get("differences") or () if _known(one)]
    if not rows:
        return ""
    ends = [0.0] + [value for one in rows for value in (one["low"], one["high"])]
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low) or 1.0
    low, high = low - pad, high + pad

    def place(value: float) -> str:
        return f"{100 * (value - low) / (high - low):.2f}%"

    names = verdict.get("names") or {}
    level = float(verdict.get("level") or 0.95)
    lines = [_row(one, names, place, level, verdict) for one in rows]
    marks = "".join(
        f'<span style="left:{place(v)}">{v:g}</span>' for v in ticks(low, high, 6)
    )
    scale = (
        '<div class="row scale"><span></span>'
        f'<div class="track axis">{marks}</div><span></span></div>'
    )
    return f'<div class="forest">{"".join(lines)}{scale}</div>'


def _known(one: Mapping[str, Any]) -> bool:
    return all(
        isinstance(one.get(k), int | float) and abs(one[k]) < float("inf")
        for k in ("mean", "low", "high")
    )


def _row(
    one: Mapping[str, Any],
    names: Mapping[str, str],
    place: Any,
    level: float,
    verdict: Mapping[str, Any],
) -> str:
    p = one.get("p") if one.get("p_holm") is None else one.get("p_holm")
    sure = p is not None and p < 1 - level
    kind = ("better" if one["mean"] > 0 else "worse") if sure else "same"
    first = one["control"] == verdict.get("primary")
    beside = "the control named beforehand" if first else "another control"
    told = f"{points(one['mean'])} [{points(one['low'])}, {points(one['high'])}]"
    width = f"calc({place(one['high'])} - {place(one['low'])})"
    return (
        f'<div class="row {kind}"><span class="name">minus '
        f"{html.escape(names.get(one['control'], one['control']))}"
        f"<small>{beside}</small></span>"
        f'<div class="track" role="img" aria-label="{told}">'
        f'<i class="zero" style="left:{place(0.0)}"></i>'
        f'<i class="bar" style="left:{place(one["low"])};width:{width}"></i>'
        f'<i class="dot" style="left:{place(one["mean"])}"></i></div>'
        f'<span class="figure">{told}<small>{_p(p, one)}</small></span></div>'
    )


def _p(p: float | None, one: Mapping[str, Any]) -> str:
    if p is None:
        return ""
    told = told_p(p)
    text = html.escape(f"p {told}" if told.startswith("<") else f"p = {told}")
    return text if one.get("p_holm") is None else f"{text}, Holm"


def worst_case(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Returns the half width of the first interval; None: there is none.

    Args:
        rows: Differences, the primary control's first.
    """
    known = [one for one in rows if _known(one)]
    return (known[0]["high"] - known[0]["low"]) / 2 if known else None

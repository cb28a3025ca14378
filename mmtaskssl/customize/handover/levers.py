"""What each lever brings, as a table of the page."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from ..verdict.difference import points
from .figures import DASH


def lever_table(
    record: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]]
) -> str:
    """Returns pairs of arms that differ by one lever, and their differences.

    Args:
        record: See `page`.
        verdicts: Of it.
    """
    parts = []
    for verdict in verdicts:
        budget = verdict.get("budget")
        mine = [o for o in record.get("levers") or () if o.get("budget") == budget]
        if not mine:
            continue
        if len(verdicts) > 1:
            parts.append(f'<p class="lead">Budget {html.escape(str(budget))}</p>')
        rows = "".join(_row(one) for one in mine)
        parts.append(
            "<table><tr><th>what is added</th><th>arm</th><th>without it</th>"
            f"<th>folds</th><th>test</th></tr>{rows}</table>"
        )
    told = (
        '<p class="soft">Two arms that differ by one choice: points, paired by image. '
        "Folds of the training images by linear accuracy, mean ± standard error; test "
        "images with intervals, not corrected for their number, where they were read "
        "for both.</p>"
    )
    return told + "".join(parts) if parts else ""


def _row(one: Mapping[str, Any]) -> str:
    folds, test = one.get("folds"), one.get("test")
    cells = [str(one.get(key)) for key in ("lever", "arm", "without")]
    inner = outer = DASH
    if folds:
        share = folds["share"]
        at = "" if share == 1 else f" after {100 * share:.0f} % of the training"
        inner = f"{points(folds['mean'])} ± {folds['error']:.1f}{at}"
    if test:
        mean, low, high = (points(test[key]) for key in ("mean", "low", "high"))
        outer = f"{mean} [{low}, {high}]"
    told = "".join(f"<td>{html.escape(cell)}</td>" for cell in [*cells, inner, outer])
    return f"<tr>{told}</tr>"

"""What each lever brings, as a table of the page."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...report.parts import table, text
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
            parts.append(f'<p class="lead">Budget {text(budget)}</p>')
        rows = [_row(one) for one in mine]
        heads = ["what is added", "arm", "without it", "folds", "test"]
        parts.append(table(heads, rows, "what each lever brings"))
    told = (
        '<p class="soft">Two arms that differ by one choice: points, paired by image. '
        "Folds of the training images by linear accuracy, mean ± standard error; test "
        "images with intervals, not corrected for their number, where they were read "
        "for both.</p>"
    )
    return told + "".join(parts) if parts else ""


def _row(one: Mapping[str, Any]) -> list[str]:
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
    return [*cells, inner, outer]

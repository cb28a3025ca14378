"""Whether a ranking says more than the draw of the images does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]

#: Of a row: what the mean would have been on other draws of the images.
DRAWS = "draws"
# Coverage of the interval of a difference.
_LEVEL = 0.95
# Of single precision: of two nets that do the same, or nothing, scores differ by less.
_ROUNDING = 1e-6


def tied(rows: Sequence[Row]) -> list[Row]:
    """Returns the rows that the images do not tell from the first one.

    All are judged on the same images, so they are compared in pairs: a row is told from
    the first if the 95 % bootstrap interval of their difference, of the same draws of
    images for both, lies above 0 (Efron and Tibshirani, "An Introduction to the
    Bootstrap", 1993, section 13.3), and above what rounding makes.

    Args:
        rows: Of one ranking, best first.

    Returns:
        The first row and those, in order. The first one alone where a row holds no
        draws, as those of earlier versions do not: nothing is known then.
    """
    counts = {len(row.get(DRAWS, ())) for row in rows}
    if len(counts) != 1 or 0 in counts:
        return list(rows[:1])
    best = np.asarray(rows[0][DRAWS])
    least = _ROUNDING * max(1.0, abs(rows[0]["similarity"]))
    end = (1 - _LEVEL) / 2
    return [
        row
        for place, row in enumerate(rows)
        if place == 0 or np.quantile(best - np.asarray(row[DRAWS]), end) <= least
    ]


def taken(rows: Sequence[Row], cost: Callable[[Row], float]) -> Row:
    """Returns the row to take: of those that are not told apart the cheapest.

    Args:
        rows: Of one ranking, best first; one at least.
        cost: Of a row.
    """
    # Of equal cost the better one, which comes first.
    return min(tied(rows), key=cost)


def noise_note(rows: Sequence[Row], cost: Callable[[Row], float]) -> str:
    """Returns a sentence on a ranking whose first rows are not told apart; or "".

    Args:
        rows: Of one ranking, best first.
        cost: Of a row.
    """
    same = tied(rows)
    count = len(same)
    if count < 2:
        return ""
    # Intervals differ in width, so a better row may be told apart and a worse one not.
    last = rows.index(same[-1]) + 1
    who = f"The first {count}" if last == count else f"{count} of the first {last}"
    return (
        f"{who} are not distinguishable on these images; the smallest of them, "
        f"{taken(rows, cost)['subnet']}, is taken."
    )

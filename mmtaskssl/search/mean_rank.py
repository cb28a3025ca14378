"""Sub-nets by their mean rank under several metrics."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from .names import MEAN_RANK
from .noise import DRAWS, Row
from .spread import interval


def mean_ranks(rankings: Sequence[Sequence[Row]]) -> list[Row]:
    """Returns a row for each sub-net that all rankings have.

    Metrics that fail on different images agree on what they are right about, and ranks
    can be averaged where values of different kinds cannot (Borda's count).

    Args:
        rankings: The rows of each metric; a row as `SearchResult.rows` has it.

    Returns:
        Rows of the metric `MEAN_RANK`, in the first ranking's order. The value is the
        share of the other sub-nets that one is ahead of, in the mean of the metrics:
        1 for the first under all of them, 0 for the last. The draws are the same of
        the metrics' draws; rows without them have the value for an interval.
    """
    by_name = [{row["subnet"]: row for row in rows} for rows in rankings]
    names = [n for n in by_name[0] if all(n in rows for rows in by_name)]
    if not names:
        return []
    columns = [[rows[name] for name in names] for rows in by_name]
    values = np.mean([_ahead([r["similarity"] for r in c]) for c in columns], axis=0)
    least = min(len(row.get(DRAWS, ())) for rows in columns for row in rows)
    draws = np.mean(
        [_ahead([r.get(DRAWS, ())[:least] for r in c]) for c in columns], axis=0
    )
    return [
        {
            **by_name[0][name],
            "metric": MEAN_RANK,
            "similarity": value,
            "ci": [*interval(drawn, value)],
            DRAWS: drawn.tolist(),
        }
        for name, value, drawn in zip(names, values.tolist(), draws, strict=True)
    ]


def _ahead(rows: Sequence[float | Sequence[float]]) -> np.ndarray:
    """Returns the share of the others that each is ahead of; half of equal ones count.

    Args:
        rows: (N,) or (N, R) values, higher is better.
    """
    values = np.array(rows, dtype=float)
    others = len(values) - 1
    return (rankdata(values, axis=0) - 1) / others if others else np.ones(values.shape)

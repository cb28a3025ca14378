"""Sub-nets by their mean rank under several metrics."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from .names import MEAN_RANK
from .noise import DRAWS, Row

# Coverage of the interval of a value.
_LEVEL = 0.95


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
    values = np.mean(
        [_ahead(np.array([r["similarity"] for r in rows])) for rows in columns], axis=0
    )
    counts = {len(row.get(DRAWS, ())) for rows in columns for row in rows}
    draws = np.empty((len(names), 0))
    if least := min(counts):
        draws = np.mean(
            [_ahead(np.array([r[DRAWS][:least] for r in rows])) for rows in columns],
            axis=0,
        )
    found = []
    for name, value, drawn in zip(names, values.tolist(), draws, strict=True):
        row = {**by_name[0][name], "metric": MEAN_RANK, "similarity": value}
        low = high = value
        if least:
            tail = (1 - _LEVEL) / 2
            low, high = np.quantile(drawn, [tail, 1 - tail]).tolist()
        row["ci"] = [min(low, value), max(high, value)]
        row[DRAWS] = drawn.tolist()
        found.append(row)
    return found


def _ahead(values: np.ndarray) -> np.ndarray:
    """Returns the share of the others that each is ahead of; half of equal ones count.

    Args:
        values: (N, ...), higher is better.
    """
    others = len(values) - 1
    return (rankdata(values, axis=0) - 1) / others if others else np.ones(values.shape)

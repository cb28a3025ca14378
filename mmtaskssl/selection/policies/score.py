"""The images with the highest similarity to any query."""

import numpy as np

from ..bounds import check_top_rows
from ..nearest import best_queries_of, top_rows
from ..task import Selection, SelectionTask


def score(task: SelectionTask) -> Selection:
    """Takes the highest scores, whichever query they belong to.

    Ties: the lower row. Queries in dense parts of the pool get most of the budget.
    The rank that is reported counts the images chosen for the same query.
    """
    check_top_rows(
        *(len(task.queries), task.pool.dim, len(task.pool), task.budget),
        task.memory,
    )
    find = top_rows if task.kept is None else task.kept.top_rows
    rows, scores = find(
        task.queries, task.pool, task.budget, skip=task.skip, progress=task.progress
    )
    queries, _ = best_queries_of(task.queries, task.pool, rows)
    return Selection(rows, scores, queries, _occurrence(queries))


def _occurrence(values: np.ndarray) -> np.ndarray:
    """Counts how often each value stood in the list before."""
    order = np.argsort(values, kind="stable")
    _, first, sizes = np.unique(values[order], return_index=True, return_counts=True)
    before = np.empty(len(values), dtype=np.int64)
    before[order] = np.arange(len(values)) - np.repeat(first, sizes)
    return before

"""Every query's first hit, then every second hit, ... (SEPT's search, our union)."""

import numpy as np

from ..search import TopK
from ..task import Selection, SelectionTask


def round_robin(task: SelectionTask) -> Selection:
    """Takes hits by rank until the budget is filled with unique images.

    Within a rank the higher score goes first, then the lower row, then the lower
    query. A query far from the pool gets its share like any other.
    """
    k = task.first_k
    while True:
        found = in_rank_order(task.hits(k))
        if len(found.rows) >= task.budget or k >= task.reachable:
            return head(found, task.budget)
        k = min(2 * k, task.reachable)


def in_rank_order(hits: TopK) -> Selection:
    """Lists all rows of ``hits``, each for the query where it ranks best."""
    num_queries, k = hits.rows.shape
    rows, scores = hits.rows.T.ravel(), hits.scores.T.ravel()
    ranks = np.repeat(np.arange(k), num_queries)
    queries = np.tile(np.arange(num_queries), k)
    order = np.lexsort((queries, rows, -scores, ranks))
    _, first = np.unique(rows[order], return_index=True)
    order = order[np.sort(first)]
    return Selection(rows[order], scores[order], queries[order], ranks[order])


def head(found: Selection, count: int) -> Selection:
    """Returns the first ``count`` rows."""
    return Selection(
        found.rows[:count],
        found.scores[:count],
        found.queries[:count],
        found.query_ranks[:count],
        found.notes,
    )

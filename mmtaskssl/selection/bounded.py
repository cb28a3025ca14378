"""Exact search within a bound of memory, in as many passes as that takes."""

from typing import Any

import numpy as np

from ..features.store import FeatureStore
from .bounds import plan_exact
from .search import TopK, topk


def topk_within(
    queries: np.ndarray,
    pool: FeatureStore,
    k: int,
    *,
    skip: np.ndarray | None = None,
    memory: int | None = None,
    held: int = 0,
    **how: Any,
) -> TopK:
    """Finds what `topk` does, bit for bit, and holds no more than it may.

    Args:
        queries: See `topk`, as for what is not named here.
        pool: See above.
        k: See above.
        skip: See above.
        memory: Bytes; None: any. The queries are not counted, nor what of the store is
            mapped into memory, which the system takes back when it is short.
        held: Of these bytes, those that the caller's own results take.
        **how: See above.

    Raises:
        UserError: The memory does not suffice.
    """
    if memory is None:
        return topk(queries, pool, k, skip=skip, **how)
    skip = np.zeros(len(pool), dtype=bool) if skip is None else skip
    k = min(k, int((~skip).sum()))
    plan = plan_exact(len(queries), pool.dim, len(pool), k, memory, held)
    found = TopK(
        np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float64)
    )
    for begin in range(0, len(queries), plan.queries):
        part = slice(begin, begin + plan.queries)
        some = topk(
            *(queries[part], pool, k),
            skip=skip,
            block_rows=plan.block_rows,
            sample_rows=plan.sample_rows,
            **how,
        )
        found.rows[part], found.scores[part] = some.rows, some.scores
    return found

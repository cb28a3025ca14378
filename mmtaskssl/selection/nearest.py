"""The other direction of the search: pool rows by their most similar query."""

from collections.abc import Callable

import numpy as np
import torch

from ..features.store import FeatureStore
from .stream import BLOCK_ROWS, TILE_QUERIES, Progress, iter_blocks
from .toprows import TopRows

#: Of rows that are read at once.
READ_BYTES = 2**26


def best_queries(
    queries: np.ndarray, features: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the most similar query of each row; ties go to the lower query.

    Scores are exact for the reason given in ``search.py``.

    Args:
        queries: (Q, D) float32 holding float16 values.
        features: (n, D) the same.

    Returns:
        Queries (n,) int64 and their cosine similarities (n,) float64.
    """
    left = torch.from_numpy(np.ascontiguousarray(queries))
    best = np.zeros(len(features), dtype=np.int64)
    scores = np.full(len(features), -np.inf)
    for begin in range(0, len(features), BLOCK_ROWS):
        part = slice(begin, begin + BLOCK_ROWS)
        rows = torch.from_numpy(np.ascontiguousarray(features[part])).double()
        for first in range(0, len(left), TILE_QUERIES):
            some = left[first : first + TILE_QUERIES].double()
            tile = (rows @ some.T).numpy()
            index = tile.argmax(1)  # numpy promises the first of equals
            score = tile[np.arange(len(tile)), index]
            better = score > scores[part]
            scores[part][better] = score[better]
            best[part][better] = index[better] + first
    return best, scores


def best_queries_of(
    queries: np.ndarray,
    pool: FeatureStore,
    rows: np.ndarray,
    chunk: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Applies `best_queries` to rows of a store, ``chunk`` of them in memory at once.

    Args:
        queries: (Q, D) float32.
        pool: The store.
        rows: (n,) int64 rows of it.
        chunk: Rows read at once; None: those of 64 MiB.
    """
    if chunk is None:
        chunk = max(BLOCK_ROWS, READ_BYTES // (4 * pool.dim))
    if not len(rows):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    parts = [
        best_queries(queries, pool.read(rows[begin : begin + chunk]))
        for begin in range(0, len(rows), chunk)
    ]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def rows_above(
    queries: np.ndarray,
    pool: FeatureStore,
    floor: float,
    *,
    skip: np.ndarray | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Finds the pool rows with some query at least ``floor`` similar.

    Args:
        queries: (Q, D) float32.
        pool: Where to search.
        floor: Cosine similarity.
        skip: (N,) bool, rows to leave out.
        progress: Called with the number of pool rows read so far.

    Returns:
        Rows in ascending order (n,), most similar query of each (n,), scores (n,).
    """
    found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for numbers, rows, done in iter_blocks(pool, skip):
        query, score = best_queries(queries, rows.numpy())
        hit = score >= floor
        found.append((numbers.numpy()[hit], query[hit], score[hit]))
        if progress is not None:
            progress(done)
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))


def top_rows(
    queries: np.ndarray,
    pool: FeatureStore,
    count: int,
    *,
    skip: np.ndarray | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the ``count`` pool rows most similar to whichever query is nearest.

    Args:
        queries: (Q, D) float32.
        pool: See `best_rows`, as for the others.
        count: See above.
        skip: See above.
        progress: See above.

    Returns:
        See `best_rows`.
    """

    def score(rows: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(best_queries(queries, rows.numpy())[1])

    return best_rows(pool, count, score, device="cpu", skip=skip, progress=progress)


def best_rows(
    pool: FeatureStore,
    count: int,
    score: Callable[[torch.Tensor], torch.Tensor],
    *,
    device: str | torch.device,
    skip: np.ndarray | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the ``count`` pool rows with the highest score.

    Memory grows with ``count`` only.

    Args:
        pool: Where to search.
        count: Rows wanted, at most those that ``skip`` leaves.
        score: Of features (B, D) float32 returns (B,) float64.
        device: Where the features go.
        skip: (N,) bool, rows to leave out.
        progress: Called with the number of pool rows read so far.

    Returns:
        Rows (count,) int64 and scores (count,) float64, best first; equal scores in
        order of the row.
    """
    best = TopRows(1, count)
    for numbers, rows, done in iter_blocks(pool, skip, device=device):
        number = numbers.cpu()
        best.add(torch.zeros_like(number), number, score(rows).cpu())
        if progress is not None:
            progress(done)
    found, scores = best.finish()
    return found[0], scores[0]

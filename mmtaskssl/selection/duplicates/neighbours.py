"""Pairs of rows of one store that lie near each other."""

import dataclasses
from collections.abc import Callable

import numpy as np

from ...features.store import FeatureStore
from ...utils.devices import AUTO
from ..search import topk
from .cells import Cells

# Queries of one pass over the store.
_QUERIES = 8192
#: Rows from which on the cells around each are looked through, not all rows.
EXACT = 200_000
# Rows that the recall is measured on; scores of float32 differ from exact ones by less.
_MEASURED, _ROUNDING = 1000, 1e-5

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Near:
    """Pairs of neighbouring rows.

    Attributes:
        pairs: (P, 2) int64, the lower row first, sorted, each once.
        scores: (P,) float64 cosine similarities.
        recall: Of approximate search, the share of exact neighbours that it finds.
    """

    pairs: np.ndarray
    scores: np.ndarray
    recall: float | None = None


def near_pairs(
    store: FeatureStore,
    count: int,
    floor: float,
    *,
    queries: np.ndarray | None = None,
    parts: int = 1,
    exact: int = EXACT,
    device: str = AUTO,
    progress: Progress | None = None,
) -> Near:
    """Finds the nearest rows of each row.

    Args:
        store: N rows.
        count: Neighbours of each.
        floor: Least cosine similarity of a pair.
        queries: (N, D) what to look for instead of the rows themselves, such as their
            mirror images; zeros are not looked for.
        parts: Rows of the store that are one thing, such as the windows of an image:
            then it has N times as many rows, and there must be queries.
        exact: Of more rows, those in the cells around each are looked through, see
            `Cells`; scores are those of float32 then.
        device: Where to search, see `pick_device`.
        progress: Takes the rows done so far.
    """
    skip = np.zeros(len(store), bool)
    skip[store.bad_rows] = True
    rows = np.flatnonzero(~skip)
    if queries is not None:
        rows = np.flatnonzero(np.any(queries != 0, axis=1))
    none = np.zeros((0, 2), np.int64), np.zeros(0)
    if len(rows) < 2:
        return Near(*none)

    def looked_for(some: np.ndarray) -> np.ndarray:
        if queries is None:
            return store.read(some)
        return np.ascontiguousarray(queries[some], np.float32)

    # All parts of a thing may be nearer to it than any other thing is.
    wanted = count + parts
    found = [none]
    recall = None
    if parts == 1 and len(rows) > exact:
        cells = Cells(store, skip)
        drawn = np.sort(np.random.default_rng(0).permutation(rows)[:_MEASURED])
        recall = _recall(cells, store, looked_for(drawn), drawn, wanted, skip, device)
        near = cells.near(
            *(lambda part: looked_for(rows[part]), len(rows), wanted, floor),
            progress=progress,
        )
        own, others = rows[near.queries, None], near.rows[:, None]
        found.append(_pairs_of(own, others, near.scores[:, None], floor))
    else:
        for begin in range(0, len(rows), _QUERIES):
            some = rows[begin : begin + _QUERIES]
            hits = topk(looked_for(some), store, wanted, skip=skip, device=device)
            found.append(
                _pairs_of(some[:, None], hits.rows // parts, hits.scores, floor)
            )
            if progress is not None:
                progress(begin + len(some))
    pairs, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    return Near(pairs, scores[first], recall)


def _pairs_of(
    rows: np.ndarray, near: np.ndarray, scores: np.ndarray, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    left = np.broadcast_to(rows, near.shape)
    good = (scores >= floor) & (near != left) & (near >= 0)
    pairs = np.sort(np.stack([left[good], near[good]], axis=1), axis=1)
    return pairs.astype(np.int64), scores[good].astype(np.float64)


def _recall(
    cells: Cells,
    store: FeatureStore,
    queries: np.ndarray,
    rows: np.ndarray,
    count: int,
    skip: np.ndarray,
    device: str,
) -> float:
    """Returns for which share of some rows one as near as their nearest is found."""
    exact = topk(queries, store, 2, skip=skip, device=device)
    own = exact.rows[:, 0] == rows
    nearest = np.where(own, exact.scores[:, 1], exact.scores[:, 0])
    found = cells.near(lambda part: queries[part], len(queries), count, -1.0)
    other = found.rows != rows[found.queries]
    there = other & (found.scores >= nearest[found.queries] - _ROUNDING)
    return len(np.unique(found.queries[there])) / len(queries)

"""Pairs of rows of one store that lie near each other."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ...features.store import FeatureStore
from ...utils.devices import AUTO
from ..search import topk

# Queries of one pass over the store.
_QUERIES = 8192
#: Rows from which on lists of an inverted file are looked through, not all rows.
EXACT = 200_000
# Lists that are looked through, and rows that the recall is measured on.
_PROBES, _MEASURED = 16, 1000

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
        exact: Of more rows, faiss looks through the nearest lists of an inverted file,
            and the scores alone are exact.
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
    wanted_count = count + parts
    index = _index(store, skip) if parts == 1 and len(rows) > exact else None
    found = [none]
    for begin in range(0, len(rows), _QUERIES):
        some = rows[begin : begin + _QUERIES]
        wanted = looked_for(some)
        if index is None:
            hits = topk(wanted, store, wanted_count, skip=skip, device=device)
            near, scores = hits.rows, hits.scores
        else:
            near, scores = _approximate(index, wanted, wanted_count)
        found.append(_pairs_of(some, near // parts, scores, floor))
        if progress is not None:
            progress(begin + len(some))
    pairs, scores = (np.concatenate(part) for part in zip(*found, strict=True))
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    recall = None
    if index is not None:
        drawn = np.sort(np.random.default_rng(0).permutation(rows)[:_MEASURED])
        recall = _recall(index, store, drawn, looked_for(drawn), count, skip, device)
    return Near(pairs, scores[first], recall)


def _pairs_of(
    rows: np.ndarray, near: np.ndarray, scores: np.ndarray, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    left = np.broadcast_to(rows[:, None], near.shape)
    good = (scores >= floor) & (near != left) & (near >= 0)
    pairs = np.sort(np.stack([left[good], near[good]], axis=1), axis=1)
    return pairs.astype(np.int64), scores[good].astype(np.float64)


def _index(store: FeatureStore, skip: np.ndarray) -> Any:
    """Returns faiss's inverted file of all rows."""
    import faiss

    count = int((~skip).sum())
    lists = int(4 * np.sqrt(count))
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(store.dim), store.dim, lists, faiss.METRIC_INNER_PRODUCT
    )
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(~skip))
    index.train(store.read(np.sort(drawn[: 40 * lists])).astype(np.float32))
    for begin, shard in store.iter_shards():
        rows = np.arange(begin, begin + len(shard))
        good = ~skip[rows]
        index.add_with_ids(np.asarray(shard[good], np.float32), rows[good])
    index.nprobe = _PROBES
    return index


def _approximate(
    index: Any, queries: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    scores, rows = index.search(np.ascontiguousarray(queries, np.float32), count)
    return rows, scores


def _recall(
    index: Any,
    store: FeatureStore,
    rows: np.ndarray,
    queries: np.ndarray,
    count: int,
    skip: np.ndarray,
    device: str,
) -> float:
    """Returns which share of some rows' nearest other one is found."""
    exact = topk(queries, store, count + 1, skip=skip, device=device)
    own = exact.rows[:, 0] == rows
    nearest = np.where(own, exact.rows[:, 1], exact.rows[:, 0])
    found, _ = _approximate(index, queries, count + 1)
    return float((found == nearest[:, None]).any(1).mean())

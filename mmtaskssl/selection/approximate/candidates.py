"""Approximate search: candidates by their codes, then exact scores from the store."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...features.store import FeatureStore
from ...utils.devices import pick_device
from ..bounds import ApproximatePlan, plan_approximate
from ..search import TopK, exact_scores, full_precision
from ..stream import Progress
from ..toprows import TopRows
from . import files
from .codes import fill

if TYPE_CHECKING:
    from .index import SearchIndex


@dataclasses.dataclass(frozen=True)
class Searched:
    """What is looked for, and how.

    Attributes:
        k: Neighbours a query, at most as many as there are.
        candidates: Of each query, scored exactly.
        probes: Lists that are looked through.
        memory: Bytes; None: any.
    """

    k: int
    candidates: int
    probes: int
    memory: int | None = None


def plan_of(
    index: SearchIndex, queries: int, rows: int, how: Searched
) -> ApproximatePlan:
    """Returns how a search is cut.

    Raises:
        UserError: The memory does not suffice.
    """
    return plan_approximate(
        *(queries, index.manifest["dim"], how.k, how.candidates),
        rows=rows,
        part_rows=index.part_rows,
        width=index.coder.width,
        lists=index.manifest["lists"],
        probes=how.probes,
        memory=how.memory,
    )


def search(
    index: SearchIndex,
    queries: np.ndarray,
    pool: FeatureStore,
    how: Searched,
    skip: np.ndarray,
    device: str,
    progress: Progress | None = None,
) -> TopK:
    """Searches; see `SearchIndex.search`.

    Args:
        index: Of all shards of the pool.
        queries: (Q, D) float32.
        pool: The store.
        how: What is looked for.
        skip: (N,) bool, rows that must not be found.
        device: Where exact scores are computed.
        progress: Called with the number of queries done so far.
    """
    plan = plan_of(index, len(queries), len(pool), how)
    shape = (len(queries), how.k)
    found = TopK(np.empty(shape, np.int64), np.empty(shape, np.float64))
    loaded = _Loaded(index, plan.index_rows)
    for begin in range(0, len(queries), plan.queries):
        some = np.arange(begin, min(begin + plan.queries, len(queries)))
        probes = how.probes
        while len(some):
            rows = _candidates(loaded, queries[some], how.candidates, probes, skip)
            enough = (rows >= 0).sum(1) >= how.k
            full = some[enough]
            if len(full):
                hits = _exact(queries[full], pool, rows[enough], how.k, plan, device)
                found.rows[full], found.scores[full] = hits.rows, hits.scores
            some, probes = some[~enough], 2 * probes
        if progress is not None:
            progress(min(begin + plan.queries, len(queries)))
    return found


class _Loaded:
    """Parts of an index in memory, some at a time.

    Args:
        index: Where they are.
        rows: Most rows at a time, but for a part that has more.
    """

    def __init__(self, index: SearchIndex, rows: int) -> None:
        self.coder, self._folder = index.coder, index.folder
        self._groups: list[list[Any]] = []
        room = 0
        for part in index.manifest["parts"]:
            if not self._groups or part["rows"] > room:
                self._groups.append([])
                room = rows
            self._groups[-1].append(part)
            room -= part["rows"]
        self._kept: Any = None

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        """Yields first row, rows, and faiss's index of these."""
        first = 0
        for parts in self._groups:
            count = sum(part["rows"] for part in parts)
            index = self._kept
            if index is None:
                index = self.coder.empty_index()
                fill(index, [self._open(part) for part in parts])
                if len(self._groups) == 1:
                    self._kept = index
            yield first, count, index
            first += count
            del index

    def _open(self, part: Any) -> np.ndarray:
        return files.open_part(self._folder, part, self.coder)


def _candidates(
    loaded: _Loaded, queries: np.ndarray, count: int, probes: int, skip: np.ndarray
) -> np.ndarray:
    """Returns (Q, count) rows with the best scores by codes, -1 behind the last."""
    best: np.ndarray = np.full((len(queries), 0), -1, np.int64)
    scores: np.ndarray = np.zeros((len(queries), 0), np.float32)
    for first, size, index in loaded:
        left_out = skip[first : first + size]
        near, rows = loaded.coder.search(index, queries, count, probes, left_out)
        near[rows < 0] = -np.inf
        rows[rows >= 0] += first
        if not scores.shape[1]:
            best, scores = rows, near
            continue
        best = np.hstack([best, rows])
        scores = np.hstack([scores, near])
        keep = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        best = np.take_along_axis(best, keep, 1)
        scores = np.take_along_axis(scores, keep, 1)
    return best


def _exact(
    queries: np.ndarray,
    pool: FeatureStore,
    rows: np.ndarray,
    k: int,
    plan: ApproximatePlan,
    device: str,
) -> TopK:
    """Returns the best ``k`` of each query's candidates, by exact scores.

    Args:
        queries: (Q, D) float32.
        pool: The store.
        rows: (Q, count) int64 candidates, each once, -1: none.
        k: At most as many as each query has candidates.
        plan: How many rows are read at once.
        device: Where scores are computed.
    """
    where = pick_device(device)
    left = torch.from_numpy(np.ascontiguousarray(queries)).to(where)
    best = TopRows(len(queries), k, where)
    ordered = np.sort(rows, axis=1)  # rows have to arrive in ascending order
    wanted = np.unique(ordered)
    wanted = wanted[wanted >= 0]
    with full_precision():
        for begin in range(0, len(wanted), plan.read_rows):
            some = wanted[begin : begin + plan.read_rows]
            features = torch.from_numpy(pool.read(some)).to(where)
            here = (ordered >= some[0]) & (ordered <= some[-1])
            qi, place = np.nonzero(here)
            ri = np.searchsorted(some, ordered[qi, place])
            pair = [torch.from_numpy(x).to(where) for x in (qi, ri)]
            numbers = torch.from_numpy(some).to(where)
            scores = exact_scores(left, features, *pair)
            best.add(pair[0], numbers[pair[1]], scores)
    found, exact = best.finish()
    return TopK(found, exact)

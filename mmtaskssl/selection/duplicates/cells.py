"""Near rows among very many: those of the cells around a query, not all.

An inverted file whose cells are looked through by products of matrices: queries are
sorted by the cells that they are looked for in, and each cell is compared with all of
its queries at once.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from ...features.store import FeatureStore

# Cells are so many times the root of the rows; so many of them are looked through for
# a query, and of so many rows each the centres are learnt.
_CELLS, _PROBES, _LEARNT = 4, 16, 40
_ROUNDS = 10
# Queries that are sorted by their cells at once.
_QUERIES = 2**17

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Found:
    """Rows that are near queries, in order of the queries, the nearest first.

    Attributes:
        queries: (P,) int64.
        rows: (P,) int64, of the store.
        scores: (P,) float32 cosine similarities.
    """

    queries: np.ndarray
    rows: np.ndarray
    scores: np.ndarray


class Cells:
    """The rows of a store by cells around centres; held as float16, 2 bytes a value.

    Args:
        store: N rows.
        skip: (N,) bool, rows that are not to be found.
    """

    def __init__(self, store: FeatureStore, skip: np.ndarray) -> None:
        import faiss

        good = np.flatnonzero(~skip)
        self.count = max(1, int(_CELLS * np.sqrt(len(good))))
        drawn = np.random.default_rng(0).permutation(good)[: _LEARNT * self.count]
        learning = faiss.Kmeans(
            *(store.dim, self.count),
            niter=_ROUNDS,
            spherical=True,
            min_points_per_centroid=1,
            seed=1,
        )
        learning.train(store.read(np.sort(drawn)))
        self._index: Any = learning.index
        cell = np.empty(len(good), np.int32)
        for part in _parts(len(good)):
            cell[part] = self._nearest(store.read(good[part]), 1)[:, 0]
        order = np.argsort(cell, kind="stable")
        self._ends = np.searchsorted(cell[order], np.arange(self.count + 1))
        self.rows = good[order]
        place = np.empty(len(good), np.int64)
        place[order] = np.arange(len(good))
        self._values = np.empty((len(good), store.dim), np.float16)
        for part in _parts(len(good)):
            self._values[place[part]] = store.read(good[part])

    def _nearest(self, queries: np.ndarray, count: int) -> np.ndarray:
        """Returns the nearest cells of queries, (Q, count)."""
        return self._index.search(np.ascontiguousarray(queries, np.float32), count)[1]

    def near(
        self,
        queries: Callable[[slice], np.ndarray],
        number: int,
        count: int,
        floor: float,
        progress: Progress | None = None,
    ) -> Found:
        """Finds, of the rows in the cells around each query, the nearest.

        Args:
            queries: Returns some of them, (n, D) float32.
            number: Of all queries.
            count: Rows of each.
            floor: Least cosine similarity.
            progress: Takes the queries done so far.
        """
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, "f"))]
        for part in _parts(number):
            some, rows, scores = self._near(queries(part), count, floor)
            found.append((some + part.start, rows, scores))
            if progress is not None:
                progress(min(part.stop, number))
        return Found(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def _near(
        self, queries: np.ndarray, count: int, floor: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        cells = self._nearest(queries, min(_PROBES, self.count))
        order = np.argsort(cells, axis=None, kind="stable")
        ends = np.searchsorted(cells.ravel()[order], np.arange(self.count + 1))
        wanted = torch.from_numpy(np.ascontiguousarray(queries, np.float32))
        asking = torch.from_numpy(order // cells.shape[1])
        empty = torch.zeros(0, dtype=torch.int64)
        found = [(empty, empty, torch.zeros(0))]
        for cell in range(self.count):
            here = slice(*self._ends[cell : cell + 2].tolist())
            some = asking[slice(*ends[cell : cell + 2].tolist())]
            if not len(some) or here.start == here.stop:
                continue
            values = torch.from_numpy(self._values[here]).float()
            scores = wanted[some] @ values.T
            hit = (scores.amax(dim=1) >= floor).nonzero().ravel()
            best = scores[hit].topk(min(count, len(values)), dim=1)
            at, which = (best.values >= floor).nonzero(as_tuple=True)
            rows = best.indices[at, which] + here.start
            found.append((some[hit][at], rows, best.values[at, which]))
        some, rows, scores = (torch.cat(c).numpy() for c in zip(*found, strict=True))
        rows = self.rows[rows]
        order = np.lexsort((rows, -scores, some))
        some, rows, scores = some[order], rows[order], scores[order]
        # How many nearer ones of the same query stand before each.
        before = np.arange(len(some)) - np.searchsorted(some, some)
        first = before < count
        return some[first], rows[first], scores[first]


def _parts(count: int) -> Iterator[slice]:
    for begin in range(0, count, _QUERIES):
        yield slice(begin, min(begin + _QUERIES, count))

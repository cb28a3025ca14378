"""What a policy is given, and what it returns."""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..features.store import FeatureStore
from ..utils.devices import AUTO
from .bounded import topk_within
from .nearest import best_queries_of
from .search import TopK
from .stream import Progress

if TYPE_CHECKING:
    from .approximate.hits import ApproximateHits
    from .kept_hits import KeptHits


@dataclasses.dataclass(frozen=True)
class Selection:
    """Chosen pool rows in order of choice.

    Attributes:
        rows: (K,) int64, unique.
        scores: (K,) float64 cosine similarity to the query.
        queries: (K,) int64, the query that the row was chosen for; for a random row
            the most similar one.
        query_ranks: (K,) int64, place of the row among that query's hits (0: its best
            hit); -1 where the policy does not rank.
        notes: Sentences for the user.
    """

    rows: np.ndarray
    scores: np.ndarray
    queries: np.ndarray
    query_ranks: np.ndarray
    notes: tuple[str, ...] = ()


@dataclasses.dataclass
class SelectionTask:
    """One selection problem.

    Attributes:
        pool: Features of the pool, N rows.
        queries: (Q, D) float32 features of the target images.
        skip: (N,) bool, pool rows that must not be selected.
        budget: Images wanted, at least 1 and at most `reachable`.
        seed: Of whatever is drawn.
        labels: (Q,) int64 class of each query, -1 unknown; None without labels.
        class_names: Names of the classes.
        sources: (N,) int64 source of each pool row; known to control arms only.
        progress: Called with the number of pool rows read so far.
        device: Where the search runs; see `pick_device`.
        kept: Hits of earlier searches, by which a pool that changed is searched in
            its changed rows alone; None: there are none.
        approximate: Searches by an index; None: searches are exact.
        memory: Bytes that a search may hold; None: any.
    """

    pool: FeatureStore
    queries: np.ndarray
    skip: np.ndarray
    budget: int
    seed: int = 0
    labels: np.ndarray | None = None
    class_names: list[str] | None = None
    sources: np.ndarray | None = None
    progress: Progress | None = None
    device: str = AUTO
    kept: "KeptHits | None" = None
    approximate: "ApproximateHits | None" = None
    memory: int | None = None
    _hits: TopK | None = dataclasses.field(default=None, repr=False)

    @property
    def reachable(self) -> int:
        """Pool rows that may be selected."""
        return int((~self.skip).sum())

    @property
    def first_k(self) -> int:
        """Neighbours a query to begin with: room for as many repeats as images."""
        return min(math.ceil(2 * self.budget / len(self.queries)), self.reachable)

    def hits(self, k: int) -> TopK:
        """Returns the ``k`` best pool rows of every query; the most are remembered."""
        k = min(k, self.reachable)
        known = self._hits
        if known is None or known.rows.shape[1] < k:
            find: Callable[..., TopK] = functools.partial(
                topk_within, memory=self.memory
            )
            for other in (self.kept, self.approximate):
                find = find if other is None else other.find
            self._hits = None  # which the memory has to hold no more
            self._hits = known = find(
                self.queries,
                self.pool,
                k,
                skip=self.skip,
                device=self.device,
                progress=self.progress,
            )
        return TopK(known.rows[:, :k], known.scores[:, :k])

    def known_hits(self) -> TopK | None:
        """Returns what `hits` remembers, without a search."""
        return self._hits

    def with_nearest_query(self, rows: np.ndarray, *notes: str) -> Selection:
        """Completes rows chosen without a query by the query most similar to each."""
        queries, scores = best_queries_of(self.queries, self.pool, rows)
        ranks = np.full(len(rows), -1, dtype=np.int64)
        return Selection(rows, scores, queries, ranks, notes)

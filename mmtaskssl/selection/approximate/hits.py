"""A selection's hits by an index, and how many of the exact ones they are."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...features.store import FeatureStore
from ..bounded import topk_within
from ..search import TopK
from ..stream import Progress
from .build import ProgressFactory, build_index
from .index import SearchIndex
from .options import Approximate, candidates_of
from .planning import IndexPlan, plan_by_index

if TYPE_CHECKING:
    from ..task import SelectionTask

#: Queries that the recall is measured on.
MEASURED = 100
#: A recall below is warned of.
_LOW = 0.9


@dataclasses.dataclass(frozen=True)
class Recall:
    """How many of the exact hits an approximate search finds.

    Attributes:
        share: Of the nearest rows of a query, the mean over queries.
        k: Nearest rows of each.
        queries: That it was measured on.
    """

    share: float
    k: int
    queries: int


class ApproximateHits:
    """Searches by an index, which is made, or brought up to date, when it is needed.

    Args:
        how: The index, and how it is searched.
        memory: Bytes that it may hold; None: any.
        log: Takes a line on the work to come.
        progress: See `build_index`.

    Attributes:
        index: Once something was searched.
    """

    def __init__(
        self,
        how: Approximate,
        memory: int | None = None,
        log: Callable[[str], None] | None = None,
        progress: ProgressFactory | None = None,
    ) -> None:
        self._how, self._memory = how, memory
        self._log, self._progress = log, progress
        self.index: SearchIndex | None = None

    def plan(self, num_queries: int, pool: FeatureStore, k: int) -> IndexPlan:
        """Plans a search, and what its index lacks; see `plan_by_index`."""
        return plan_by_index(self._how, pool, num_queries, k, self._memory)

    def find(
        self,
        queries: np.ndarray,
        pool: FeatureStore,
        k: int,
        *,
        skip: np.ndarray,
        device: str,
        progress: Progress | None = None,
    ) -> TopK:
        """Finds rows that are probably those of `topk`; the scores are exact.

        Args:
            queries: See `topk`, as for all others.
            pool: See above.
            k: See above.
            skip: See above.
            device: See above.
            progress: See above.
        """
        if self.index is None:
            self.plan(len(queries), pool, k)  # refuses what it has no memory for
            self.index = build_index(
                pool,
                self._how.folder,
                lists=self._how.lists,
                code_bytes=self._how.code_bytes,
                memory=self._memory,
                log=self._log,
                progress=self._progress,
            )

        def tell(done: int) -> None:
            if progress is not None:
                progress(len(pool) * done // len(queries))

        return self.index.search(
            *(queries, pool, k),
            skip=skip,
            probes=self._how.probes,
            rerank=self._how.rerank,
            memory=self._memory,
            device=device,
            progress=tell,
        )

    def measure(
        self,
        hits: TopK,
        queries: np.ndarray,
        pool: FeatureStore,
        skip: np.ndarray,
        device: str,
    ) -> Recall:
        """Searches exactly for some queries, and compares.

        Args:
            hits: What `find` has found.
            queries: See `topk`, as for all others.
            pool: See above.
            skip: See above.
            device: See above.
        """
        drawn = np.sort(np.random.default_rng(0).permutation(len(queries))[:MEASURED])
        k = hits.rows.shape[1]
        exact = topk_within(
            *(queries[drawn], pool, k),
            skip=skip,
            memory=self._memory,
            held=hits.rows.nbytes + hits.scores.nbytes,
            device=device,
        )
        # Of rows that are equally near any is as good.
        found = hits.scores[drawn] >= exact.scores[:, -1:]
        return Recall(float(found.mean()), k, len(drawn))

    def facts(self, recall: Recall) -> dict[str, Any]:
        """Returns what a selection says of its search, JSON-ready."""
        assert self.index is not None
        candidates = candidates_of(recall.k, self._how.rerank)
        candidates = min(candidates, len(self.index))
        probes = self._how.probes or self.index.probes(candidates)
        return {
            "index": str(self.index.folder),
            "lists": self.index.manifest["lists"],
            "code_bytes": self.index.manifest["code_bytes"],
            "probes": min(probes, self.index.manifest["lists"]),
            "candidates": candidates,
            "recall": round(recall.share, 6),
            "recall_k": recall.k,
            "recall_queries": recall.queries,
        }


def searched_by_index(task: "SelectionTask") -> dict[str, Any] | None:
    """Measures what a selection's approximate search missed; None: it had none."""
    hits = task.known_hits()
    if task.approximate is None or hits is None:
        return None
    recall = task.approximate.measure(
        *(hits, task.queries, task.pool, task.skip, task.device)
    )
    return task.approximate.facts(recall)


def note_of(facts: dict[str, Any]) -> str:
    """Returns a sentence on the recall, for the user."""
    low = facts["recall"] < _LOW
    return (
        ("warning: " if low else "")
        + f"the search was approximate: of the {facts['recall_k']:,} nearest images of "
        f"{facts['recall_queries']:,} target images {facts['recall']:.1%} were found; "
        "their scores are exact"
        + (", and more probes or a larger rerank find more" if low else "")
    )

"""Which of a policy's images keep to the limits; the policy's order stays."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from ..utils.families import BadLabels
from .diverse import diverse
from .limits import Limits
from .nearest import best_queries_of
from .policies.quotas import water_fill
from .task import Selection, SelectionTask

# What becomes of a candidate.
_OUT, _IN, _LAST = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class Group:
    """Candidates that a limit counts together.

    Attributes:
        ids: (n,) int64, of each candidate; below 0: it is not counted.
        most: (G,) int64, of each id.
        soft: Whether the limit falls where images are missing otherwise.
    """

    ids: np.ndarray
    most: np.ndarray
    soft: bool = False


class Admission:
    """Applies limits to what a policy found.

    Args:
        task: The problem.
        limits: See `Limits`.
        targets: (Q,) int64, the target that each query is of.
        unlike: (U, D) float32 features of what is not wanted; None: there is nothing.

    Attributes:
        refused: Of the candidates of the last choice, how many are too little similar,
            and how many are nearer to what is not wanted.
        looked: How many candidates that choice had.

    Raises:
        UserError: A limit of classes, and the target has no label for some image.
    """

    def __init__(
        self,
        task: SelectionTask,
        limits: Limits,
        targets: np.ndarray,
        unlike: np.ndarray | None = None,
    ) -> None:
        self.task, self.limits, self.targets = task, limits, targets
        self.unlike = unlike
        self.refused = {"min_similarity": 0, "unlike": 0}
        self.looked = 0
        if limits.per_class is not None and (
            task.labels is None or (task.labels < 0).any()
        ):
            raise BadLabels(
                "a limit of images a class needs a label for every target image: "
                "extract the target from folders named by class, or leave it out"
            )
        self._rows: np.ndarray = np.zeros(0, np.int64)
        self._known = (self._rows, np.zeros(0), np.zeros(0))

    @property
    def quotas(self) -> list[int] | None:
        """Images that each target is to have, or may have; None: any number."""
        counts = np.bincount(self.targets)
        return self.limits.quotas(self.task.budget, counts.tolist())

    @property
    def most(self) -> int:
        """Images that the limits leave at most, however large the pool is."""
        limits, task = self.limits, self.task
        found = [task.budget]
        if limits.per_query is not None:
            found.append(limits.per_query * len(task.queries))
        if limits.per_class is not None:
            found.append(limits.per_class * len(np.unique(task.labels)))
        if limits.per_source is not None:
            assert task.sources is not None
            found.append(limits.per_source * (int(task.sources.max()) + 1))
        if limits.target_budgets is not None:
            found.append(sum(limits.target_budgets))
        return min(found)

    @property
    def notes(self) -> list[str]:
        """Sentences on what the limits did to the last choice."""
        found = []
        if count := self.refused["unlike"]:
            fate = "come last" if self.limits.unlike_last else "were left out"
            found.append(
                f"of the {self.looked:,} pool images that the policy proposed {count:,}"
                f" are nearer to what is not wanted than to the target and {fate}"
            )
        if count := self.refused["min_similarity"]:
            found.append(
                f"of the {self.looked:,} pool images that the policy proposed {count:,}"
                f" are less than {self.limits.min_similarity:g} similar to the target "
                "and were left out"
            )
        return found

    def choose(
        self,
        found: Selection,
        count: int,
        share: Group | None = None,
        multiple: int | None = None,
        final: bool = False,
        even: bool = False,
    ) -> Selection:
        """Chooses from candidates.

        Args:
            found: Candidates in the policy's order.
            count: Images wanted.
            share: What the policy gives to each of its groups.
            multiple: Candidates that diversity chooses from, a wanted image.
            final: Whether there are no others: then soft limits fall for what is
                missing.
            even: Whether the policy serves the queries in turn, which diversity keeps.
        """
        found, verdict = self._judged(found)
        groups = [*self._groups(found), *([share] if share is not None else ())]
        good = np.flatnonzero(verdict == _IN)
        chooser = _Chooser(groups)
        if multiple is None or self.limits.mmr_lambda is None:
            chooser.in_order(good, count)
        else:
            if even:
                plain = _Chooser(groups)
                plain.in_order(good, count)
                given = np.bincount(
                    found.queries[plain.chosen], minlength=len(self.task.queries)
                )
                chooser = _Chooser([*groups, Group(found.queries, given, soft=True)])
            self._diverse(found, good[: multiple * count], count, chooser)
        if final:
            chooser.soften()
            chooser.in_order(good, count)
            chooser.in_order(np.flatnonzero(verdict == _LAST), count)
        keep = np.array(chooser.chosen, np.int64)
        return Selection(
            *(found.rows[keep], found.scores[keep], found.queries[keep]),
            found.query_ranks[keep],
            found.notes,
        )

    def admissible(self, found: Selection) -> np.ndarray:
        """Returns places of candidates that no row filter refuses, in order."""
        return np.flatnonzero(self._judged(found)[1] == _IN)

    def _diverse(
        self, found: Selection, places: np.ndarray, count: int, chooser: "_Chooser"
    ) -> None:
        weight = self.limits.mmr_lambda
        assert weight is not None
        diverse(
            self.task.pool.read(found.rows[places]),
            *(found.scores[places], weight, count),
            lambda place: chooser.admit(int(places[place])),
        )

    def _groups(self, found: Selection) -> Iterator[Group]:
        limits, task = self.limits, self.task
        if limits.per_query is not None:
            yield _capped(found.queries, limits.per_query)
        if limits.per_class is not None:
            assert task.labels is not None
            yield _capped(task.labels[found.queries], limits.per_class)
        if limits.per_source is not None:
            assert task.sources is not None
            yield _capped(task.sources[found.rows], limits.per_source)
        if (quotas := self.quotas) is not None:
            soft = limits.target_budgets is None
            yield Group(self.targets[found.queries], np.array(quotas), soft)

    def _judged(self, found: Selection) -> tuple[Selection, np.ndarray]:
        """Returns candidates, and what becomes of each.

        One that is not similar enough to the query that it was found for, and is to
        its nearest one, counts for that one.
        """
        floor, unlike = self.limits.min_similarity, self.unlike
        self.looked = len(found.rows)
        verdict = np.full(len(found.rows), _IN)
        if floor is None and unlike is None:
            return found, verdict
        nearest, likeness, against = self._similarities(found.rows)
        if unlike is not None:
            nearer = against > likeness
            verdict[nearer] = _LAST if self.limits.unlike_last else _OUT
            self.refused["unlike"] = int(nearer.sum())
        if floor is not None:
            low = likeness < floor
            verdict[low] = _OUT
            self.refused["min_similarity"] = int(low.sum())
            other = (found.scores < floor) & ~low
            found = dataclasses.replace(
                found,
                scores=np.where(other, likeness, found.scores),
                queries=np.where(other, nearest, found.queries),
                query_ranks=np.where(other, -1, found.query_ranks),
            )
        return found, verdict

    def _similarities(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        """Returns nearest query, similarity to it and to what is not wanted, (n,) each.

        Rows that were asked for before are remembered.
        """
        new = np.setdiff1d(rows, self._rows)
        if len(new):
            pool = self.task.pool
            queries, scores = best_queries_of(self.task.queries, pool, new)
            against = np.full(len(new), -np.inf)
            if self.unlike is not None:
                against = best_queries_of(self.unlike, pool, new)[1]
            every = np.concatenate([self._rows, new])
            order = np.argsort(every)
            self._rows = every[order]
            self._known = tuple(
                np.concatenate(pair)[order]
                for pair in zip(self._known, (queries, scores, against), strict=True)
            )
        place = np.searchsorted(self._rows, rows)
        return [column[place] for column in self._known]


class _Chooser:
    """Counts what was chosen of each group."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = [
            (group.ids.tolist(), group.most.tolist(), group.soft) for group in groups
        ]
        self.chosen: list[int] = []
        self._taken: set[int] = set()

    def admit(self, place: int) -> bool:
        """Takes a candidate if every group has room for it."""
        mine = [(left, ids[place]) for ids, left, _ in self._groups if ids[place] >= 0]
        if any(left[number] < 1 for left, number in mine):
            return False
        for left, number in mine:
            left[number] -= 1
        self.chosen.append(place)
        self._taken.add(place)
        return True

    def in_order(self, places: np.ndarray, count: int) -> None:
        """Takes candidates one after another, until there are ``count``."""
        for place in places.tolist():
            if len(self.chosen) >= count:
                return
            if place not in self._taken:
                self.admit(place)

    def soften(self) -> None:
        """Lets soft limits fall."""
        self._groups = [group for group in self._groups if not group[2]]


def _capped(ids: np.ndarray, most: int) -> Group:
    return Group(ids, np.full(int(ids.max(initial=-1)) + 1, most))


def share_of(groups: np.ndarray, places: np.ndarray, count: int, total: int) -> Group:
    """Returns equal shares of groups, as far as their candidates go.

    Args:
        groups: (n,) int64 group of each candidate.
        places: Candidates that may be chosen.
        count: Images wanted.
        total: Groups.
    """
    supply = np.bincount(groups[places], minlength=total)
    return Group(groups, water_fill(count, supply), soft=True)

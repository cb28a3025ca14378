"""A search for sub-nets: candidates of budgets, scored once, ranked."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mmengine.dist import all_gather_object, barrier, get_dist_info
from mmengine.logging import print_log

from ..subnets import Cost, SearchSpace, Subnet
from ..utils.budgets import KINDS, Budget
from ..utils.errors import option
from ..utils.families import BadBudget, BadValue, NotFinite, OptionMissing, UnknownName
from .latency import LatencyBook
from .noise import DRAWS
from .panel import Panel
from .prefixes import prefix_order
from .report import shape_text
from .results import Key, ResultsFile, Row
from .scorer import MeanInterval, Scorer
from .spread import SetScore, half_samples
from .strategies import STRATEGIES, NoCandidate, draw


@dataclass
class Search:
    """Scores sub-nets of a checkpoint and remembers them.

    Attributes:
        scorer: Computes similarities.
        panel: Computes these and other scores; None: there are no others.
        metrics: Names of what is computed, the leading one first.
        interval: Of a mean over images.
        price: Says what a sub-net costs.
        clock: Says what time it takes.
        identity: What the scores depend on; JSON-ready.
        results: Keeps each score on the disk at once; None: they live in memory.
        rows: All rows so far, by sub-net's name and metric.
        asked: Names of what to rank by, the leading one first; none: ``metrics``.
    """

    scorer: Scorer
    panel: Panel | None
    metrics: Sequence[str]
    interval: MeanInterval
    price: Callable[[Subnet], Cost]
    clock: LatencyBook
    identity: dict[str, Any]
    results: ResultsFile | None = None
    rows: dict[Key, Row] = field(default_factory=dict)
    asked: Sequence[str] = ()

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.scorer.encoders.student.backbone.space

    def score(self, subnets: Sequence[Subnet]) -> dict[Subnet, float]:
        """Scores what has not been scored before.

        To be called in all processes of a group, which share the work.

        Args:
            subnets: Any that the network runs.

        Returns:
            The similarities under the first metric.
        """
        subnets = list(dict.fromkeys(subnets))
        todo = [s for s in subnets if not self._known(s)]
        rank, world = get_dist_info()
        if todo:
            backbone = self.scorer.encoders.student.backbone
            todo = prefix_order(backbone, todo)
            # Neighbours share their beginnings, so each process takes a run of them.
            begin, end = (len(todo) * r // world for r in (rank, rank + 1))
            found = self._score(todo[begin:end], rank if world > 1 else None)
            if self.results is not None and world > 1:
                barrier()
                if rank == 0:
                    self.results.merge()
                barrier()
            for rows in all_gather_object(found):
                self.rows |= {(row["subnet"], row["metric"]): row for row in rows}
        first = self.metrics[0]
        return {s: self.rows[s.name, first]["similarity"] for s in subnets}

    def _score(self, subnets: Sequence[Subnet], rank: int | None) -> list[Row]:
        """Scores the share of this process, and keeps each score at once."""
        found = []
        for number, (subnet, scores) in enumerate(self._scored(subnets), 1):
            rows = [self._row(subnet, name, scores[name]) for name in self.metrics]
            new = [r for r in rows if (r["subnet"], r["metric"]) not in self.rows]
            if self.results is not None:
                self.results.append(new, rank)
            found += new
            print_log(
                f"{number}/{len(subnets)} {subnet}: "
                + ", ".join(f"{r['metric']} {r['similarity']:.4f}" for r in rows),
                "current",
            )
        return found

    def _scored(
        self, subnets: Sequence[Subnet]
    ) -> Iterator[tuple[Subnet, Mapping[str, np.ndarray | SetScore]]]:
        if self.panel is None:
            yield from self.scorer.score(subnets)
        else:
            yield from self.panel.judge(subnets, self.halves)

    @functools.cached_property
    def halves(self) -> np.ndarray:
        """Random halves of the images, the same for all sub-nets."""
        count = len(self.scorer.sample.ids)
        return half_samples(count, seed=self.identity["interval"]["seed"])

    def _known(self, subnet: Subnet) -> bool:
        return all((subnet.name, metric) in self.rows for metric in self.metrics)

    def _row(self, subnet: Subnet, metric: str, values: np.ndarray | SetScore) -> Row:
        whole = isinstance(values, SetScore)
        if not np.isfinite([values.value, *values.halves] if whole else values).all():
            raise NotFinite(
                f"the {metric} score of {subnet} is NaN or infinite: what it computes "
                "of these images is, or is the same for all of them"
            )
        price = self.price(subnet)
        if isinstance(values, SetScore):
            value, ci = values.value, values.interval()
            draws = [round(float(draw), 8) for draw in values.draws()]
        else:
            value, ci = float(values.mean()), self.interval(values)
            draws = self.interval.draws(values)
        return {
            "subnet": subnet.name,
            "metric": metric,
            "similarity": value,
            "ci": list(ci),
            "macs": price.macs,
            "params": price.params,
            DRAWS: draws,
        }

    def measure(self, kind: str) -> Callable[[Subnet], float]:
        """Returns what says the cost of a sub-net of a kind of budget."""
        if kind == "latency":
            return self.clock
        return lambda subnet: getattr(self.price(subnet), kind)

    def check(self, budget: Budget) -> None:
        """Checks, before anything is scored, that a budget can be met.

        Raises:
            UserError: Nothing lies in the band.
        """
        shape = self.identity["shape"]
        check_band(self.space, budget, self.measure(budget.kind), shape)

    def run(
        self,
        budget: Budget,
        strategy: str = "random",
        count: int | None = 40,
        seed: int = 0,
    ) -> None:
        """Scores the candidates of a budget.

        Args:
            budget: The band.
            strategy: "random", "evolution" or "grid".
            count: How many candidates; None: all, of a grid.
            seed: Of the candidates.

        Raises:
            UserError: A bad option, or nothing lies in the band.
        """
        if strategy not in STRATEGIES:
            raise UnknownName(f"strategy must be {', '.join(STRATEGIES)}: {strategy!r}")
        if count is None and strategy != "grid":
            raise OptionMissing(f"the {strategy} strategy needs a number of candidates")
        if count is not None and count < 1:
            raise BadValue(f"a search needs at least one candidate, not {count}")
        self.check(budget)
        value = self.measure(budget.kind)
        STRATEGIES[strategy](
            self.space, lambda s: value(s) in budget, self.score, count, seed
        )


def check_band(
    space: SearchSpace,
    budget: Budget,
    value: Callable[[Subnet], float],
    shape: Sequence[int],
) -> None:
    """Checks that a budget can be met.

    Args:
        space: Of the candidates.
        budget: The band.
        value: What says the cost of a sub-net.
        shape: Height and width of the image that it is counted for.

    Raises:
        UserError: Nothing lies in the band.
    """
    # The ends first: of times only so many are measured.
    low, high = (value(s) / KINDS[budget.kind][1] for s in (space.min, space.max))
    try:
        draw(space, lambda s: value(s) in budget, 1, 0)
    except NoCandidate:
        raise BadBudget(
            f"no candidate has {budget}: this space goes from {low:.4g} to "
            f"{high:.4g} {KINDS[budget.kind][0]} (of an image of {shape_text(shape)}; "
            f"{option('shape')} changes that); choose another "
            + option("budgets", "--budget")
        ) from None

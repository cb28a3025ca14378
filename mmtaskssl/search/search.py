"""A search for sub-nets: candidates of budgets, scored once, ranked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from mmengine.dist import barrier, get_dist_info
from mmengine.logging import print_log

from ..subnets import Cost, SearchSpace, Subnet
from ..utils.errors import UserError
from .budget import KINDS, Budget, Measure
from .latency import LatencyBook
from .prefixes import prefix_order
from .results import ResultsFile, Row
from .scorer import MeanInterval, Scorer
from .strategies import STRATEGIES, NoCandidate, draw


@dataclass
class Search:
    """Scores sub-nets of a checkpoint and remembers them on disk.

    Attributes:
        scorer: Computes similarities.
        results: Keeps them.
        interval: Of a mean over images.
        price: Says what a sub-net costs.
        clock: Says what time it takes.
        rows: All rows so far, by sub-net's name and metric.
    """

    scorer: Scorer
    results: ResultsFile
    interval: MeanInterval
    price: Callable[[Subnet], Cost]
    clock: LatencyBook
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.scorer.encoders.student.backbone.space

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics."""
        return [metric.name for metric in self.scorer.metrics]

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
            for number, (subnet, scores) in enumerate(
                self.scorer.score(todo[begin:end]), 1
            ):
                new = [self._row(subnet, *pair) for pair in scores.items()]
                self.results.append(
                    [r for r in new if (r["subnet"], r["metric"]) not in self.rows],
                    rank if world > 1 else None,
                )
                print_log(
                    f"{number}/{end - begin} {subnet}: "
                    + ", ".join(f"{r['metric']} {r['similarity']:.4f}" for r in new),
                    "current",
                )
            barrier()
            if world > 1:
                if rank == 0:
                    self.results.merge()
                barrier()
            self.rows = self.results.rows()
        first = self.metrics[0]
        return {s: self.rows[s.name, first]["similarity"] for s in subnets}

    def _known(self, subnet: Subnet) -> bool:
        return all((subnet.name, metric) in self.rows for metric in self.metrics)

    def _row(self, subnet: Subnet, metric: str, values: np.ndarray) -> Row:
        price = self.price(subnet)
        return {
            "subnet": subnet.name,
            "metric": metric,
            "similarity": float(values.mean()),
            "ci": list(self.interval(values)),
            "macs": price.macs,
            "params": price.params,
        }

    def measure(self, kind: str) -> Measure:
        """Returns what says the cost of a sub-net of a kind of budget."""
        if kind == "latency":
            return self.clock
        return lambda subnet: getattr(self.price(subnet), kind)

    def check(self, budget: Budget) -> None:
        """Checks, before anything is scored, that a budget can be met.

        Raises:
            UserError: Nothing lies in the band.
        """
        value = self.measure(budget.kind)
        try:
            draw(self.space, lambda s: value(s) in budget, 1, 0)
        except NoCandidate:
            unit, size = KINDS[budget.kind]
            low, high = (value(s) / size for s in (self.space.min, self.space.max))
            raise UserError(
                f"no candidate has {budget}: this space goes from {low:.4g} to "
                f"{high:.4g} {unit}; choose another --budget"
            ) from None

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
            raise UserError(f"strategy must be {', '.join(STRATEGIES)}: {strategy!r}")
        if count is None and strategy != "grid":
            raise UserError(f"the {strategy} strategy needs a number of candidates")
        if count is not None and count < 1:
            raise UserError(f"a search needs at least one candidate, not {count}")
        self.check(budget)
        value = self.measure(budget.kind)
        STRATEGIES[strategy](
            self.space, lambda s: value(s) in budget, self.score, count, seed
        )

    def ranked(self, budget: Budget | None, metric: str) -> list[Row]:
        """Returns the rows of a band, best first.

        Args:
            budget: None: all rows.
            metric: Whose similarity.
        """
        value = None if budget is None else self.measure(budget.kind)
        rows = []
        for (name, of), row in self.rows.items():
            if of != metric:
                continue
            if value is not None:
                # Only what was measured can be in a band of latency.
                if budget.kind == "latency" and name not in self.clock.known:
                    continue
                if value(Subnet.parse(name)) not in budget:
                    continue
            rows.append(row)
        return sorted(rows, key=lambda r: (-r["similarity"], r["subnet"]))

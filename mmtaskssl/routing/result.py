"""What routing found."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..report.result import Result
from ..report.thumbs import showing
from ..subnets import ALL, Subnet
from . import output
from .candidate import Candidate
from .table import routing_table
from .task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Routing(Result):
    """The path of a network that suits a task, and what speaks for it.

    Attributes:
        ranking: The sub-nets that were scored, the winner first, then by score.
        largest: MAX.
        notes: Sentences for the user.
        paths: Paths of the network.
        regret: Of each fast router: paths scored, its choice, and how much worse it
            is than the exhaustive one; empty unless routed exhaustively.
        soft: Combinations of the first sub-nets, see `soft_choices`.
        stages: Stages run and stages without sharing, per batch.
        seconds: By part of the work.
        router: A name in `ROUTERS`.
        probe: A name in `PROBES`; None: nothing was scored but the likeness.
        on_tie: A name in `TIES`.
        seed: Of inner split, resamples and draws.
        task: What it was found for.
        clusters: What the paths were trained on; None: not known.
        clusters_name: Where they lie; None: they were a value.
        network: Where the weights come from.
        fine_tuned: ``{"subnet", "map"}`` of the first sub-nets and MAX, best first;
            empty: none was fine-tuned.
        depends_on: All that the answer depends on; JSON-ready.
        thumbnails: Whether the page shows images.
    """

    ranking: tuple[Candidate, ...] = dataclasses.field(repr=False)
    largest: Any
    notes: tuple[str, ...] = dataclasses.field(repr=False)
    paths: int
    regret: Mapping[str, Mapping[str, Any]] = dataclasses.field(repr=False)
    soft: tuple[Mapping[str, Any], ...] = dataclasses.field(repr=False)
    stages: tuple[int, int] = dataclasses.field(repr=False)
    seconds: Mapping[str, float] = dataclasses.field(repr=False)
    router: str
    probe: str | None
    on_tie: str
    seed: int
    task: Task = dataclasses.field(repr=False)
    clusters: Clusters | None = dataclasses.field(repr=False)
    clusters_name: str | None = None
    network: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    fine_tuned: tuple[Mapping[str, Any], ...] = ()
    depends_on: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    thumbnails: bool = dataclasses.field(default=True, repr=False)

    @property
    def winner(self) -> Candidate:
        """The best candidate of the router."""
        return self.ranking[0]

    @property
    def answer(self) -> Subnet:
        """The sub-net to use: the winner or, of fine-tuned ones, the best of them."""
        if self.fine_tuned:
            return Subnet.parse(self.fine_tuned[0]["subnet"])
        return self.winner.subnet

    def label(self, subnet: Any) -> str:
        """Returns how tables and pages call a candidate: MAX, or a path's groups."""
        if subnet.path is None:
            return "MAX"
        return ".".join("x" if group == ALL else str(group) for group in subnet.path)

    def leaves_of(self, subnet: Any) -> Any:
        """Returns the clusters that a candidate was trained on; None: on all."""
        if self.clusters is None or subnet == self.largest:
            return None
        return self.clusters.leaves_of(subnet.path)

    def to_dict(self) -> dict[str, Any]:
        """Returns what routing.json holds."""
        found: dict[str, Any] = {
            "router": self.router,
            "probe": self.probe,
            "on_tie": self.on_tie,
            "seed": self.seed,
            "task": self.task.describe(),
            "network": dict(self.network),
            "clusters": self.clusters_name,
        }
        if self.fine_tuned:
            found["fine_tuning"] = [dict(row) for row in self.fine_tuned]
        return {
            **found,
            "answer": self.answer.name,
            "winner": self.winner.subnet.name,
            "generic": self.largest.name,
            "generic_label": self.label(self.largest),
            "notes": list(self.notes),
            "paths": self.paths,
            "scored": len(self.ranking),
            "regret": {name: dict(row) for name, row in self.regret.items()},
            "soft": [dict(row) for row in self.soft],
            "stages_run": self.stages[0],
            "stages_without_sharing": self.stages[1],
            "seconds": dict(self.seconds),
            "ranking": [
                {
                    key: _plain(value)
                    for key, value in dataclasses.asdict(candidate).items()
                    if key != "subnet"
                }
                | {"subnet": candidate.subnet.name}
                for candidate in self.ranking
            ],
        }

    def table(self) -> str:
        """Returns the first of the ranking and MAX, and what may be concluded."""
        return routing_table(self.to_dict())

    def page(self) -> str:
        """Returns the page that shows every score, the task and the winner's images."""
        from .page import render  # needs Pillow, which most callers do not

        with showing(self.thumbnails):
            return render(self)

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes routing.json, ranking.csv and report.html.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = output.work_of(self.depends_on)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            output.write(temporary, self.to_dict(), self.ranking, self.page())
        return Path(folder)


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value

"""What DSPNet's evidence compares, and the files that hold it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..config import load_config
from ..evaluation.subnet_table import short_name
from ..networks.alone import slimmable_network
from ..subnets import Subnet
from ..utils.paths import resolve_config
from .evidence import EvidenceFolder, read_json


@dataclass(frozen=True)
class Arm:
    """A slimmable training that differs in ``options`` from the config."""

    title: str
    options: dict[str, Any] = field(default_factory=dict)
    calibrated: bool = False


# The config's own sampler is the sandwich.
ALL = {"model.subnet_sampler.type": "AllSubnets"}
SHARED_NORMS = {
    "model.backbone.norm_cfg.type": "BN",
    "model.neck.norm": "BN",
    "model.neck.num_switches": 1,
    "model.aux_predictor.norm": "BN",
}
ARMS = {
    "sandwich": Arm("sandwich(3)"),
    "sandwich_calibrated": Arm(
        "sandwich(3), shared BN, calibrated", SHARED_NORMS, calibrated=True
    ),
    "dynamic": Arm("dynamic", {"model.subnet_sampler.type": "Dynamic"}),
    "all": Arm("all widths each step, dsp, switchable BN", ALL),
    "calibrated": Arm("shared BN, calibrated", ALL | SHARED_NORMS, calibrated=True),
    "dsp_plus": Arm("dsp_plus", ALL | {"model.preset": "dsp_plus"}),
    "slimclr": Arm(
        "base weighs 1 + other widths", ALL | {"model.loss_weights": "slimclr"}
    ),
    "mean": Arm("losses averaged, not summed", ALL | {"model.loss_weights": "mean"}),
}
ALONE, UNTRAINED = "alone", "untrained"
MEASURES = ("kNN", "linear")


class Study(EvidenceFolder):
    """Networks and files of one evidence folder.

    Args:
        config: Of the slimmable training.
        data: See `EvidenceFolder`.
        out: Working directory.
        targets: Names of folders in ``classification``; None: all.
        seeds: Number of repetitions.
        iters: Length of each training.
        arms: Of `ARMS`; the first is compared with the networks trained alone.

    Raises:
        UserError: A folder of the data is missing, or the config is of no slimmable
            training.
    """

    def __init__(
        self,
        config: str,
        data: Path,
        out: Path,
        targets: Sequence[str] | None,
        seeds: int,
        iters: int,
        arms: Sequence[str],
    ) -> None:
        super().__init__(data, out, targets, seeds)
        self.iters, self.arms = iters, list(arms)
        self.config = resolve_config(config)
        self.cfg = load_config(str(self.config))
        self.size = self.cfg.model.data_preprocessor.view_size
        self.backbone = slimmable_network(self.cfg).elastic

    @cached_property
    def widths(self) -> dict[str, Subnet]:
        """The networks by what the tables call them, the widest first."""
        space = self.backbone.space
        return {short_name(space, subnet): subnet for subnet in space}

    def result(self, seed: int, arm: str, width: str) -> Path:
        """Returns where a network's figures are kept, by target."""
        return self.seed_folder(seed, "results", f"{arm}-{width}.json")

    def values(
        self, arm: str, width: str, metric: str, target: str | None
    ) -> dict[int, float]:
        """Returns a figure of a network by seed, as far as it is measured.

        Args:
            arm: One of `ARMS`, `ALONE` or `UNTRAINED`.
            width: One of ``widths``.
            metric: One of `MEASURES`, or ``rank``.
            target: None: the mean over all.
        """
        names = [target] if target else self.targets
        found = {}
        for seed in range(self.seeds):
            rows = read_json(self.result(seed, arm, width)) or {}
            if all(name in rows for name in names):
                found[seed] = statistics.mean(rows[name][metric] for name in names)
        return found

    def cost_file(self, seed: int, training: str) -> Path:
        """Returns where the cost of a training is kept."""
        return self.seed_folder(seed, training, "cost.json")

    def seconds(self, name: str) -> list[float]:
        """Returns the CPU seconds of each seed's training.

        Args:
            name: Of a training; `ALONE`: the sum of the controls.
        """
        if name != ALONE:
            return [*self._seconds_by_seed(name).values()]
        parts = [self._seconds_by_seed(f"{ALONE}-{width}") for width in self.widths]
        seeds = set.intersection(*map(set, parts))
        return [sum(part[seed] for part in parts) for seed in sorted(seeds)]

    def _seconds_by_seed(self, name: str) -> dict[int, float]:
        costs = {s: read_json(self.cost_file(s, name)) for s in range(self.seeds)}
        return {seed: cost["cpu_seconds"] for seed, cost in costs.items() if cost}

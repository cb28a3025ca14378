"""What SEPT's evidence compares, and the files that hold it."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..utils.paths import resolve_config
from .evidence import ONE_THREAD, EvidenceFolder, read_json


@dataclass(frozen=True)
class Regime:
    """A size at which pre-training beats the untrained network."""

    config: str
    iters: int
    env: dict[str, str]


REGIMES = {
    "cpu": Regime(
        "configs/selfsup/mocov2/mocov2_resnet10-w32_1xb128-coslr-2k_folder-40px.py",
        1000,
        ONE_THREAD,
    ),
    "gpu": Regime(
        "configs/selfsup/mocov2/mocov2_resnet18_1xb256-coslr-20k_folder-64px.py",
        20000,
        {},
    ),
}
ARMS = {
    "scratch": "untrained",
    "random": "random K",
    "sept": "SEPT K",
    "whole": "whole pool",
}
ORACLE = {"oracle": "K of own source"}


class Study(EvidenceFolder):
    """Selections and files of one evidence folder.

    Args:
        regime: One of `REGIMES`.
        data: See `EvidenceFolder`; also holds ``pool/sources.csv``.
        out: Working directory.
        targets: Names of folders in ``classification``.
        seeds: Number of repetitions.
        budget: K, images of a selection.
        iters: Length of each training; None: the regime's own.
        oracle: Whether there is an arm of K images of the target's own source.

    Raises:
        UserError: A folder is missing.
    """

    def __init__(
        self,
        regime: str,
        data: Path,
        out: Path,
        targets: Sequence[str],
        seeds: int,
        budget: int,
        iters: int | None = None,
        oracle: bool = False,
    ) -> None:
        super().__init__(data, out, targets, seeds)
        self.regime, self.budget = REGIMES[regime], budget
        self.iters = iters or self.regime.iters
        self.config = resolve_config(self.regime.config)
        self.arms = ARMS | ORACLE if oracle else ARMS

    @cached_property
    def sources(self) -> dict[str, str]:
        """The data set that each image of the pool was taken from."""
        with open(self.data / "pool" / "sources.csv", newline="") as file:
            return {line["image"]: line["source"] for line in csv.DictReader(file)}

    def selection(self, seed: int, name: str) -> Path:
        """Returns where a selection's output lies."""
        return self.seed_folder(seed, "selection", name)

    def share(self, seed: int, name: str, source: str) -> float:
        """Returns how much of a selection is from a source, in per cent."""
        chosen = (self.selection(seed, name) / "selection.txt").read_text().split()
        return 100 * sum(self.sources[i] == source for i in chosen) / len(chosen)

    def result(self, seed: int, arm: str, target: str, method: str) -> Path:
        """Returns where an accuracy is kept."""
        return self.seed_folder(seed, "results", f"{target}-{arm}-{method}.json")

    def top1(self, seed: int, arm: str, target: str, method: str) -> float:
        """Returns an accuracy in per cent."""
        found = read_json(self.result(seed, arm, target, method))
        return found["metrics"]["top1"]["mean"]

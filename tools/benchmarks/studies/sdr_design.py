"""What SDR's evidence compares, and the files that hold it."""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmtaskssl.subnets import ALL, Subnet, build_space, cost
from mmtaskssl.utils.families import BadValue

from .pool_study import Place, PoolStudy
from .study import read_json

#: Of each arm what differs from the config.
ARMS = {
    "routed": [],
    "random": [],
    "no-kd": ["model.kd_weight=0"],
    "no-progress": [],  # but the phases of `Study.options`
}
PLAIN, PLANTED, GENERIC = "plain", "planted", "generic"
MEASURES = ("knn", "linear")

Run = dict[str, Any]
"""The results of an arm and seed, as `sdr_measure` finds them."""


class SdrDesign(PoolStudy):
    """Networks and files of one working directory.

    Args:
        place: See `PoolStudy`.
        config: Of a routed training.
        iters: Length of an arm's training.
        arms: Of `ARMS`.
        planted: Targets that are also sources of the pool; the last stage's groups
            are shared among them.
        specialists: Whether MAX is also trained on one cluster alone.

    Raises:
        UserError: ``planted`` does not fit.
    """

    def __init__(
        self,
        place: Place,
        config: str,
        iters: int,
        arms: Sequence[str],
        planted: Sequence[str] = (),
        specialists: bool = False,
    ) -> None:
        super().__init__(place, config, iters)
        self.arms, self.planted = list(arms), list(planted)
        self.specialists = specialists
        backbone = dict(self.cfg.model.backbone)
        keys = ("depth", "style", "groups", "base_width", "stem_kernel")
        self.space = build_space(
            {"preset": "routed_resnet"}
            | {key: backbone[key] for key in keys if key in backbone}
        )
        self.groups = self.space.arch.routes.groups
        self.shares = list(self.cfg.model.subnet_sampler.shares)
        if self.planted and self.groups[-1] % len(self.planted):
            raise BadValue(
                f"--planted cannot share the last stage's {self.groups[-1]} groups "
                f"among {len(self.planted)} sources"
            )
        if not set(self.planted) <= set(self.targets):
            raise BadValue("--planted names sources that are targets, too")

    def options(self, arm: str) -> list[str]:
        """Returns what an arm, or MAX alone (`PLAIN`), changes in the config."""
        shares = [0] * len(self.shares)
        if arm == PLAIN:
            shares[0] = 1
        elif arm == "no-progress":
            shares[-1] = 1
        else:
            return ARMS[arm]
        return [f"model.subnet_sampler.shares={shares}"]

    @property
    def first(self) -> int:
        """Iterations of MAX alone that an arm begins with."""
        return round(self.shares[0] * self.iters)

    @property
    def longer(self) -> int:
        """Iterations of MAX alone that cost as many MACs as an arm's.

        A forward and a backward pass count as three forward passes; a step of a path
        also has MAX's forward pass on the path's images.
        """
        size = self.cfg.model.data_preprocessor.view_size
        whole = cost(self.space.arch, self.space.max, size).macs
        total, path = 3.0, [-1] * len(self.groups)
        splits = [s for s in reversed(range(len(self.groups))) if self.groups[s] > 1]
        for share, stage in zip(self.shares[1:], splits, strict=True):
            path[stage] = 0
            largest = self.space.max
            subnet = Subnet(largest.stem, largest.widths, largest.depths, tuple(path))
            part = cost(self.space.arch, subnet, size).macs / whole
            total += share * (3 * part + 1)
        return round(self.iters * total / 3)

    def result(self, seed: int, arm: str) -> Path:
        """Returns where the results of an arm are kept."""
        return self.seed_folder(seed, f"{arm}.json")

    def results(self) -> dict[str, dict[int, Run]]:
        """Returns the results of each arm that has any, by seed."""
        found: dict[str, dict[int, Run]] = {}
        for arm in (PLAIN, *self.arms, PLANTED):
            for seed in range(self.seeds):
                if (run := read_json(self.result(seed, arm))) is not None:
                    found.setdefault(arm, {})[seed] = run
        return found


def specialist(path: Sequence[int]) -> str:
    """Returns the name of the training on the cluster of a path."""
    return f"specialist-{'.'.join('x' if g == ALL else str(g) for g in path)}"


def whole(run: Run, target: str) -> dict[str, float]:
    """Returns MAX's figures."""
    return run["targets"][target][run["max"]]


def routed(run: Run, target: str) -> dict[str, Any]:
    """Returns the figures of the sub-net with the best held-out kNN."""
    rows = run["targets"][target]
    name = max(rows, key=lambda name: rows[name]["inner"])
    return {"name": name, **rows[name]}


def random_path(run: Run, target: str) -> dict[str, float]:
    """Returns what a path drawn at random is expected to have."""
    rows = run["targets"][target]
    paths = [row for name, row in rows.items() if name != run["max"]]
    linear = [rows[name]["linear"] for name in run["linear_paths"]]
    return {
        "knn": statistics.mean(row["knn"] for row in paths),
        "linear": statistics.mean(linear),
    }

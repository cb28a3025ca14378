"""Slimmable trainings beside their networks trained alone."""

import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch.nn.functional import normalize

from mmtaskssl.config import load_config
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.spectrum import effective_rank
from mmtaskssl.evaluation.subnet_table import short_name
from mmtaskssl.features.extractor import FeatureExtractor, build_extractor
from mmtaskssl.networks.alone import individual_config, slimmable_network
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.atomic import write_json, write_text

from .dspnet_tables import ALONE, UNTRAINED, tables
from .figures import Figures
from .pool_study import Place, PoolStudy
from .study import ONE_THREAD, Cell, read_json
from .target import KNN, LINEAR, Target, top1


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
_METHODS = {"kNN": KNN, "linear": LINEAR}
MEASURES = tuple(_METHODS)


class Dspnet(PoolStudy):
    """Slimmable arms, and each width of them trained alone.

    Args:
        place: See `PoolStudy`.
        config: Of the slimmable training.
        iters: Length of each training.
        arms: Of `ARMS`; the first is compared with the networks trained alone.
        teacher: Of all networks, if the config is of a distillation.
        subnets: Names of those that are looked at; None: all of the space.

    Raises:
        UserError: The config is of no slimmable training.
    """

    env = ONE_THREAD
    measures = MEASURES

    def __init__(
        self,
        place: Place,
        config: str,
        iters: int,
        arms: Sequence[str],
        teacher: str | None = None,
        subnets: Sequence[str] | None = None,
    ) -> None:
        super().__init__(place, config, iters)
        self.arms, self.subnets = list(arms), subnets
        self.options = {"teacher": teacher} if teacher else {}
        self.size = self.cfg.model.data_preprocessor.view_size
        self.backbone = slimmable_network(self.cfg).elastic

    @cached_property
    def widths(self) -> dict[str, Subnet]:
        """The networks by what the tables call them, the widest first."""
        space = self.backbone.space
        if self.subnets is not None:
            return {name: self.backbone.resolve(name) for name in self.subnets}
        return {short_name(space, subnet): subnet for subnet in space}

    @cached_property
    def cfg(self) -> Config:
        """The config of the trainings."""
        return load_config(str(self.config), self.options)

    def result(self, seed: int, arm: str, width: str) -> Path:
        """Returns where a network's figures are kept, by target."""
        return self.seed_folder(seed, "results", f"{arm}-{width}.json")

    def figures(self, width: str, metric: str) -> Figures:
        """Returns a figure of the networks of a width.

        Args:
            width: One of ``widths``.
            metric: One of `MEASURES`, or ``rank``.
        """

        def read(arm: str, seed: int, target: str) -> float | None:
            rows = read_json(self.result(seed, arm, width)) or {}
            return rows.get(target, {}).get(metric)

        return Figures(read, self.seeds, self.targets)

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
        costs = {s: read_json(self._cost_file(s, name)) for s in range(self.seeds)}
        return {seed: cost["cpu_seconds"] for seed, cost in costs.items() if cost}

    def _cost_file(self, seed: int, training: str) -> Path:
        return self.seed_folder(seed, training, "cost.json")

    def title_of(self, arm: str) -> str:
        """Returns what tables call an arm."""
        return ARMS[arm].title if arm in ARMS else arm

    def tables(self) -> str:
        """See `Study`."""
        return tables(self)

    def cells(self) -> Iterator[Cell]:
        """See `Study`; the controls of a seed come first."""
        for seed in range(self.seeds):
            yield partial(self._run_arm, seed, self.arms[0])
            for width in self.widths:
                yield partial(self._run_alone, seed, width)
        for seed in range(self.seeds):
            for arm in self.arms[1:]:
                yield partial(self._run_arm, seed, arm)

    def _run_arm(self, seed: int, name: str) -> None:
        arm, base = ARMS[name], str(self.config)
        options = {**self.options, **arm.options}
        config = self._config(name, lambda: load_config(base, options))
        checkpoint = self._train(seed, name, config)
        subnets = self.widths.values()
        if arm.calibrated or any(map(self.backbone.needs_calibration, subnets)):
            trained, checkpoint = checkpoint, checkpoint.with_name("calibrated.pth")
            self.steps.run(
                f"seed {seed} calibrate {name}",
                checkpoint,
                "calibrate_bn",
                *(config, trained, "--subnet", *(one.name for one in subnets)),
                *("--images", self.pool),
                *("--out", checkpoint),
            )
        for width, subnet in self.widths.items():
            make = partial(build_extractor, str(config), checkpoint, subnet=subnet)
            self._measure(seed, name, width, make)

    def _run_alone(self, seed: int, width: str) -> None:
        subnet, name = self.widths[width], f"{ALONE}-{width}"
        config = self._config(name, lambda: individual_config(self.cfg, subnet))
        checkpoint = self._train(seed, name, config)
        for arm, weights in ((ALONE, checkpoint), (UNTRAINED, None)):
            make = partial(build_extractor, str(config), weights, seed=seed)
            self._measure(seed, arm, width, make)

    def _config(self, name: str, make: Callable[[], Config]) -> Path:
        path = self.out / "configs" / f"{name}.py"
        text = make().pretty_text
        if not path.exists() or path.read_text() != text:
            write_text(path, text)
        return path

    def _train(self, seed: int, name: str, config: Path) -> Path:
        checkpoint = self.seed_folder(seed, name, f"iter_{self.iters}.pth")
        fresh = not checkpoint.parent.exists()
        begin, wall = _children_seconds(), time.monotonic()
        self.pretrain(seed, name, checkpoint=checkpoint, config=config)
        if fresh:
            spent = {
                "cpu_seconds": _children_seconds() - begin,
                "wall_seconds": time.monotonic() - wall,
            }
            write_json(self._cost_file(seed, name), spent)
        return checkpoint

    def _measure(
        self, seed: int, arm: str, width: str, make: Callable[[], FeatureExtractor]
    ) -> None:
        path = self.result(seed, arm, width)
        found = read_json(path) or {}
        missing = [name for name in self.targets if name not in found]
        if not missing:
            return
        extractor = make().to(memory_format=torch.channels_last)
        for name in missing:
            found[name] = measure(extractor, self.images(name))
        self.keep(path, found)
        mean = statistics.mean(figures["kNN"] for figures in found.values())
        self.show(f"seed {seed} {arm} {width}: kNN {mean:.1f}")


def measure(extractor: FeatureExtractor, target: Target) -> dict[str, float]:
    """Returns each method's top-1 in per cent, and the effective rank.

    Args:
        extractor: Of a plain network.
        target: On whose test images.
    """
    train, test = (
        LabeledFeatures(normalize(split.x, dim=1), split.y, split.class_names)
        for split in target.features(extractor)
    )
    found = {name: top1(method, train, test) for name, method in _METHODS.items()}
    return {**found, "rank": effective_rank(test.x)}


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime

"""The trainings and measurements of DSPNet's evidence."""

import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config
from torch.nn.functional import normalize

from ..config import load_config
from ..evaluation.data import LabeledFeatures
from ..evaluation.spectrum import effective_rank
from ..features.extractor import FeatureExtractor, build_extractor
from ..networks.alone import individual_config
from ..utils.atomic import write_json, write_text
from .dspnet_study import ALONE, ARMS, MEASURES, UNTRAINED, Study
from .dspnet_tables import Tables
from .evidence import ONE_THREAD, read_json
from .stages import EvidenceStages
from .target import KNN, LINEAR, Target, top1

_METHODS = dict(zip(MEASURES, (KNN, LINEAR), strict=True))


class Stages(EvidenceStages):
    """Trains and measures the arms and their controls.

    Args:
        study: Says what, and where it is kept.
        show: Receives lines of progress.
    """

    study: Study

    def __init__(self, study: Study, show: Callable[[str], None]) -> None:
        super().__init__(study, show, ONE_THREAD)

    def run(self) -> None:
        """Trains and measures; the controls of a seed come first."""
        study = self.study
        for seed in range(study.seeds):
            self._run_arm(seed, study.arms[0])
            for width in study.widths:
                self._run_alone(seed, width)
            self._write_tables()
        for seed in range(study.seeds):
            for arm in study.arms[1:]:
                self._run_arm(seed, arm)
                self._write_tables()

    def _write_tables(self) -> None:
        write_text(self.study.out / "tables.md", Tables(self.study).tables())

    def _run_arm(self, seed: int, name: str) -> None:
        arm, base = ARMS[name], str(self.study.config)
        config = self._config(name, lambda: load_config(base, arm.options))
        checkpoint = self._train(seed, name, config)
        if arm.calibrated:
            trained, checkpoint = checkpoint, checkpoint.with_name("calibrated.pth")
            self.steps.run(
                f"seed {seed} calibrate {name}",
                checkpoint,
                "calibrate_bn",
                *(config, trained, "--all", "--images", self.study.pool),
                *("--out", checkpoint),
            )
        for width, subnet in self.study.widths.items():
            self._measure(
                *(seed, name, width),
                lambda s=subnet: build_extractor(str(config), checkpoint, subnet=s),
            )

    def _run_alone(self, seed: int, width: str) -> None:
        subnet, cfg = self.study.widths[width], self.study.cfg
        name = f"{ALONE}-{width}"
        config = self._config(name, lambda: individual_config(cfg, subnet))
        checkpoint = self._train(seed, name, config)
        for arm, weights in ((ALONE, checkpoint), (UNTRAINED, None)):
            self._measure(
                *(seed, arm, width),
                lambda w=weights: build_extractor(str(config), w, seed=seed),
            )

    def _config(self, name: str, make: Callable[[], Config]) -> Path:
        path = self.study.out / "configs" / f"{name}.py"
        text = make().pretty_text
        if not path.exists() or path.read_text() != text:
            write_text(path, text)
        return path

    def _train(self, seed: int, name: str, config: Path) -> Path:
        folder = self.study.seed_folder(seed, name)
        checkpoint = folder / f"iter_{self.study.iters}.pth"
        fresh = not folder.exists()
        begin, wall = _children_seconds(), time.monotonic()
        self.steps.run(
            f"seed {seed} train {name}",
            checkpoint,
            "train",
            *(config, "--work-dir", folder, "--resume"),
            options=[
                f"images={self.study.pool}",
                f"max_iters={self.study.iters}",
                f"randomness.seed={seed}",
            ],
        )
        if fresh:
            spent = {
                "cpu_seconds": _children_seconds() - begin,
                "wall_seconds": time.monotonic() - wall,
            }
            write_json(self.study.cost_file(seed, name), spent)
        return checkpoint

    def _measure(
        self, seed: int, arm: str, width: str, make: Callable[[], FeatureExtractor]
    ) -> None:
        path = self.study.result(seed, arm, width)
        found = read_json(path) or {}
        missing = [name for name in self.study.targets if name not in found]
        if not missing:
            return
        extractor = make().to(memory_format=torch.channels_last)
        for name in missing:
            found[name] = measure(extractor, self.target(name))
        write_json(path, found)
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

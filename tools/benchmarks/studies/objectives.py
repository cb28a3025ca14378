"""Objectives against each other, at equal compute, on one selection of images."""

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mmtaskssl.engine.pretrain import pretrain
from mmtaskssl.features.extractor import build_extractor
from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.tables import head, row

from .pool_study import Place, PoolStudy
from .study import ONE_THREAD, Cell, read_json
from .target import KNN, LINEAR, top1

_SELFSUP = "configs/selfsup"
_LEAF = "resnet10-w32_1xb128-coslr-2k_folder-40px.py"
#: A view of the network's size forward and backward: three forwards.
_BOTH = 3


@dataclass(frozen=True)
class Objective:
    """An objective, its settings, and what a step costs.

    Attributes:
        title: In the table.
        config: Of its training, below ``configs/selfsup``.
        forwards: Forward passes of a whole view that a step costs; backward is two.
        settings: Options by name.
    """

    title: str
    config: str
    forwards: float
    settings: dict[str, dict[str, Any]]


def _rates(*rates: float, **more: Any) -> dict[str, dict[str, Any]]:
    return {f"lr {r:g}": {"optim_wrapper.optimizer.lr": r, **more} for r in rates}


OBJECTIVES = {
    "lejepa": Objective("LeJEPA", "lejepa", 2 * _BOTH, _rates(2e-3, 5e-3)),
    "mocov2": Objective("MoCo v2", "mocov2", _BOTH + 1, _rates(0.06, 0.12)),
    "simsiam": Objective("SimSiam", "simsiam", 2 * _BOTH, _rates(0.06, 0.12)),
    "byol": Objective("BYOL", "byol", 2 * _BOTH + 2, _rates(0.06, 0.12)),
    "vicreg": Objective("VICReg", "vicreg", 2 * _BOTH, _rates(2e-3, 5e-3)),
    # Four local views of a quarter of the area.
    "lejepa-crops": Objective(
        "LeJEPA, 4 local views",
        "lejepa",
        (2 + 4 / 4) * _BOTH,
        _rates(2e-3, 5e-3, **{"model.data_preprocessor.local_views": 4}),
    ),
}
UNTRAINED = "untrained"


class Objectives(PoolStudy):
    """Trains the ten-layer network by each objective and measures all targets.

    All train on the same images: of each target's own source in the pool an equal
    share. Settings are chosen by the mean linear accuracy on some targets, and the
    others are reported.

    Args:
        place: See `PoolStudy`; the data also has ``pool/sources.csv``.
        choose_on: Targets that settings are chosen on.
        images: Of the selection.
        iters: Length of a training whose step costs two views forward and backward; the
            others' follow from their cost.
        batch_size: Images a step; learning rates follow.
        names: Objectives to train; several processes may share the work so.
    """

    env = ONE_THREAD

    def __init__(
        self,
        place: Place,
        choose_on: Sequence[str],
        images: int,
        iters: int,
        batch_size: int,
        names: Sequence[str] = tuple(OBJECTIVES),
    ) -> None:
        super().__init__(place, f"{_SELFSUP}/mocov2/mocov2_{_LEAF}", iters)
        self.choose_on, self.count = list(choose_on), images
        self.batch_size, self.names = batch_size, list(names)

    def cells(self) -> Iterator[Cell]:
        """See `Study`: first setting of every objective, then the next."""
        for seed in range(self.seeds):
            yield partial(self._measure, seed, UNTRAINED, None)
            chosen = [(name, OBJECTIVES[name].settings) for name in self.names]
            for number in range(max(len(settings) for _, settings in chosen)):
                for name, settings in chosen:
                    if number < len(settings):
                        yield partial(self._train, seed, name, number)

    def steps_of(self, name: str) -> int:
        """Returns the steps that cost an objective as much as all others."""
        return round(self.iters * 2 * _BOTH / OBJECTIVES[name].forwards)

    def _train(self, seed: int, name: str, number: int) -> None:
        objective = OBJECTIVES[name]
        setting, options = list(objective.settings.items())[number]
        arm = f"{name}-{setting.replace(' ', '')}"
        steps = self.steps_of(name)
        checkpoint = self.checkpoint(seed, arm, steps)
        self.made(
            f"seed {seed} pretrain {arm}",
            checkpoint.exists,
            lambda: pretrain(
                f"{_SELFSUP}/{objective.config}/{objective.config}_{_LEAF}",
                images=self.pool,
                selection=self._selection(seed),
                iters=steps,
                seed=seed,
                work_dir=checkpoint.parent,
                resume=True,
                auto_scale_lr=True,
                cfg_options={"batch_size": self.batch_size, **options},
            ),
        )
        self._measure(seed, arm, checkpoint)

    def _selection(self, seed: int) -> Path:
        file = self.seed_folder(seed, "selection.txt")
        if not file.exists():
            share, chosen = self.count // len(self.targets), []
            for target in self.targets:
                own = sorted(i for i, s in self.sources.items() if s == target)
                chosen += random.Random(seed).sample(own, min(share, len(own)))
            write_text(file, "".join(f"{image}\n" for image in chosen))
        return file

    def _measure(self, seed: int, arm: str, checkpoint: Path | None) -> None:
        def make() -> dict[str, dict[str, float]]:
            network = build_extractor(self.config, checkpoint, seed=seed)
            found = {}
            for target in self.targets:
                pair = self.images(target).features(network)
                scores = {"knn": top1(KNN, *pair), "linear": top1(LINEAR, *pair)}
                found[target] = scores
            return found

        self.kept(self._file(seed, arm), f"seed {seed} {arm}", make)

    def _file(self, seed: int, arm: str) -> Path:
        return self.seed_folder(seed, "results", f"{arm}.json")

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"kNN / linear top-1 (%), {self.count} images, compute of {self.iters} "
            f"steps of 2 x {self.batch_size} views, {self.seeds} seed(s); settings "
            f"chosen by linear on {' and '.join(self.choose_on)}.",
            "",
            *head(["objective", "steps", "chosen", *self.targets, "others, mean"]),
            self._row(UNTRAINED, UNTRAINED, "-", "-"),
        ]
        for name, objective in OBJECTIVES.items():
            scored = {}
            for setting in objective.settings:
                arm = f"{name}-{setting.replace(' ', '')}"
                if self._means(arm, self.choose_on) is not None:
                    scored[setting] = arm
            if not scored:
                continue
            best = max(scored, key=lambda s: self._means(scored[s], self.choose_on)[1])
            chosen = f"{best} of {len(scored)}"
            steps = str(self.steps_of(name))
            lines.append(self._row(scored[best], objective.title, steps, chosen))
        return "\n".join(lines) + "\n"

    def _row(self, arm: str, title: str, steps: str, chosen: str) -> str:
        others = [name for name in self.targets if name not in self.choose_on]
        cells = [
            _cell(self._means(arm, names))
            for names in [*map(_one, self.targets), others]
        ]
        return row([title, steps, chosen, *cells])

    def _means(self, arm: str, targets: Sequence[str]) -> tuple[float, float] | None:
        """Returns kNN and linear, means of targets and of the seeds that are there."""
        files = [read_json(self._file(seed, arm)) for seed in range(self.seeds)]
        found = [scores[t] for scores in files if scores for t in targets]
        if not found:
            return None
        knn, linear = (statistics.fmean(f[k] for f in found) for k in ("knn", "linear"))
        return knn, linear


def _one(name: str) -> list[str]:
    return [name]


def _cell(means: tuple[float, float] | None) -> str:
    return "-" if means is None else f"{means[0]:.1f} / {means[1]:.1f}"

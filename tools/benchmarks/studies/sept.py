"""SEPT against its controls: the arms, their trainings and selections, the tables."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from mmtaskssl.utils.atomic import write_text
from mmtaskssl.utils.tables import head, row, spread

from .figures import Figures
from .pool_study import Place, PoolStudy
from .stages import MEASURES, Stages
from .study import ONE_THREAD, Cell, read_json


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


class SelectionStudy(PoolStudy):
    """Networks trained on selections of the pool, measured by kNN and linear probes.

    Args:
        place: See `PoolStudy`; the data also has ``pool/sources.csv``.
        regime: One of `REGIMES`.
        budget: K, images of a selection.
        iters: Length of each training; None: the regime's own.
    """

    def __init__(
        self, place: Place, regime: str, budget: int, iters: int | None = None
    ) -> None:
        found = REGIMES[regime]
        super().__init__(place, found.config, iters or found.iters)
        self.env, self.budget = found.env, budget

    @cached_property
    def stages(self) -> Stages:
        """The steps of one recipe, so that arms differ in data alone."""
        return Stages(self.steps, self.config, self.pool, self.budget, self.iters)

    def selection(self, seed: int, name: str) -> Path:
        """Returns where a selection's output lies."""
        return self.seed_folder(seed, "selection", name)

    def of_source(self, source: str) -> list[str]:
        """Returns the images of the pool that are of a source."""
        return [image for image, found in self.sources.items() if found == source]

    def keep_selection(self, seed: int, name: str, images: Sequence[str]) -> Path:
        """Writes a selection that no tool made; returns the list."""
        file = self.selection(seed, name) / "selection.txt"
        if not file.exists():
            write_text(file, "\n".join(images) + "\n")
        return file

    def result(self, seed: int, arm: str, target: str, method: str) -> Path:
        """Returns where an accuracy is kept."""
        return self.seed_folder(seed, "results", f"{target}-{arm}-{method}.json")

    def measure(
        self, seed: int, arm: str, target: str, method: str, checkpoint: Path | str
    ) -> None:
        """Measures a network on a target, unless it was."""
        self.stages.measure(
            f"seed {seed} {method} of {arm} on {target}",
            self.result(seed, arm, target, method),
            method,
            checkpoint,
            self.target_folder(target),
            seed,
        )

    def figures(self, method: str) -> Figures:
        """Returns the accuracies by a method, in per cent."""

        def read(arm: str, seed: int, target: str) -> float | None:
            found = read_json(self.result(seed, arm, target, method))
            return found and found["metrics"]["top1"]["mean"]

        return Figures(read, self.seeds, self.targets)


class Sept(SelectionStudy):
    """SEPT's selections beside random ones, the whole pool and no training.

    Args:
        *args: See `SelectionStudy`.
        oracle: Whether there is an arm of K images of the target's own source.
    """

    def __init__(self, *args: Any, oracle: bool = False) -> None:
        super().__init__(*args)
        self.arms = ARMS | ORACLE if oracle else ARMS

    def cells(self) -> Iterator[Cell]:
        """See `Study`."""
        for seed in range(self.seeds):
            yield partial(self._whole, seed)
            for target in self.targets:
                yield partial(self._sept, seed, target)
            yield partial(self._control, seed)
            if "oracle" in self.arms:
                for target in self.targets:
                    yield partial(self._oracle, seed, target)

    def _whole(self, seed: int) -> None:
        self._pretrain(seed, "whole", None)
        self._extract(seed, "pool", self.pool, labelled=False)

    def _sept(self, seed: int, target: str) -> None:
        train = self.target_folder(target) / "train"
        self._extract(seed, target, train, labelled=True)
        chosen = self._select(seed, target, "round_robin")
        self._evaluate(seed, "scratch", "random", target)
        self._evaluate(seed, "whole", self.checkpoint(seed, "whole"), target)
        sept = self._pretrain(seed, f"sept-{target}", chosen)
        self._evaluate(seed, "sept", sept, target)

    def _control(self, seed: int) -> None:
        # The control does not depend on the target that names its store.
        drawn = self._select(seed, self.targets[0], "random")
        control = self._pretrain(seed, "random", drawn)
        for target in self.targets:
            self._evaluate(seed, "random", control, target)

    def _oracle(self, seed: int, target: str) -> None:
        name, own = f"oracle-{target}", self.of_source(target)
        chosen = random.Random(seed).sample(own, min(self.budget, len(own)))
        file = self.keep_selection(seed, name, chosen)
        self._evaluate(seed, "oracle", self._pretrain(seed, name, file), target)

    def _pretrain(self, seed: int, arm: str, selection: Path | None) -> Path:
        folder = self.seed_folder(seed, f"pretrain-{arm}")
        name = f"seed {seed} pretrain {arm}"
        return self.stages.pretrain(name, folder, seed, selection)

    def _select(self, seed: int, target: str, policy: str) -> Path:
        name = "random" if policy == "random" else target
        stores = (self._store(seed, of) for of in ("pool", target))
        folder, step = self.selection(seed, name), f"seed {seed} select {name}"
        return self.stages.select(step, folder, *stores, policy, seed)

    def _store(self, seed: int, name: str) -> Path:
        return self.seed_folder(seed, "features", name)

    def _extract(self, seed: int, name: str, images: Path, labelled: bool) -> None:
        step, whole = f"seed {seed} features of {name}", self.checkpoint(seed, "whole")
        self.stages.extract(step, self._store(seed, name), whole, images, labelled)

    def _evaluate(
        self, seed: int, arm: str, checkpoint: Path | str, target: str
    ) -> None:
        for method in MEASURES:
            self.measure(seed, arm, target, method, checkpoint)

    def tables(self) -> str:
        """See `Study`."""
        lines = [
            f"Up to {self.seeds} seed(s), K = {self.budget}, {self.iters} iterations "
            f"for every arm, `{self.config.name}`; mean ± sample standard deviation.",
            "",
            *self._shares(),
        ]
        for method in MEASURES:
            figures = self.figures(method)
            lines += ["", f"{method} top-1 (%)", "", *figures.by_target(self.arms)]
            if gains := figures.against("sept", self.arms):
                lines += ["", "Mean over targets, SEPT K minus the other, by seed:"]
                lines += gains
        return "\n".join(lines) + "\n"

    def _shares(self) -> list[str]:
        """How much of the pool and of the selections is of the target's source."""
        pool = [*self.sources.values()]
        lines = head(
            ["target", "own source: of the pool", "of SEPT's K", "of random K"]
        )
        for target in self.targets:
            cells = [f"{100 * pool.count(target) / len(pool):.1f}"]
            cells += [spread(self._share(name, target)) for name in (target, "random")]
            lines.append(row([target, *(f"{cell} %" for cell in cells)]))
        return lines

    def _share(self, name: str, source: str) -> Iterator[float]:
        """Yields how much of each seed's selection is from a source, in per cent."""
        for seed in range(self.seeds):
            file = self.selection(seed, name) / "selection.txt"
            if file.exists():
                chosen = file.read_text().split()
                own = sum(self.sources[image] == source for image in chosen)
                yield 100 * own / len(chosen)

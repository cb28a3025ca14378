"""The trainings, selections and measurements of SEPT's evidence."""

import random
from collections.abc import Callable
from pathlib import Path

from .. import quickstart
from ..utils.atomic import write_text
from ..utils.steps import Steps
from .sept_study import Study
from .sept_tables import Tables


class Stages:
    """Runs what is not done yet.

    Args:
        study: Says what, and where it is kept.
        show: Receives lines of progress.
    """

    def __init__(self, study: Study, show: Callable[[str], None]) -> None:
        self.study = study
        steps = Steps(study.out / "logs", show, study.regime.env)
        self.stages = quickstart.Stages(
            steps, study.config, study.pool, study.budget, study.iters
        )

    def run(self) -> None:
        """Trains, selects and measures, one seed after the other."""
        study = self.study
        for seed in range(study.seeds):
            whole = self._pretrain(seed, "whole", None)
            pool = self._extract(seed, whole, "pool", study.pool, labelled=False)
            for target in study.targets:
                train = study.target_folder(target) / "train"
                store = self._extract(seed, whole, target, train, labelled=True)
                chosen = self._select(seed, target, pool, store, "round_robin")
                self._evaluate(seed, "scratch", "random", target)
                self._evaluate(seed, "whole", whole, target)
                sept = self._pretrain(seed, f"sept-{target}", chosen)
                self._evaluate(seed, "sept", sept, target)
            # The control does not depend on the target that names its store.
            drawn = self._select(seed, study.targets[0], pool, store, "random")
            control = self._pretrain(seed, "random", drawn)
            for target in study.targets:
                self._evaluate(seed, "random", control, target)
            if "oracle" in study.arms:
                self._run_oracle(seed)
            write_text(study.out / "tables.md", Tables(study).tables(seed + 1))

    def _run_oracle(self, seed: int) -> None:
        study = self.study
        for target in study.targets:
            own = [i for i, source in study.sources.items() if source == target]
            chosen = random.Random(seed).sample(own, min(study.budget, len(own)))
            name = f"oracle-{target}"
            file = study.selection(seed, name) / "selection.txt"
            write_text(file, "\n".join(chosen) + "\n")
            self._evaluate(seed, "oracle", self._pretrain(seed, name, file), target)

    def _pretrain(self, seed: int, arm: str, selection: Path | None) -> Path:
        folder = self.study.seed_folder(seed, f"pretrain-{arm}")
        name = f"seed {seed} pretrain {arm}"
        return self.stages.pretrain(name, folder, seed, selection)

    def _extract(
        self, seed: int, checkpoint: Path, name: str, images: Path, labelled: bool
    ) -> Path:
        store = self.study.seed_folder(seed, "features", name)
        step = f"seed {seed} features of {name}"
        return self.stages.extract(step, store, checkpoint, images, labelled)

    def _select(
        self, seed: int, target: str, pool: Path, store: Path, policy: str
    ) -> Path:
        name = "random" if policy == "random" else target
        folder = self.study.selection(seed, name)
        step = f"seed {seed} select {name}"
        return self.stages.select(step, folder, pool, store, policy, seed)

    def _evaluate(
        self, seed: int, arm: str, checkpoint: Path | str, target: str
    ) -> None:
        for method in quickstart.MEASURES:
            self.stages.measure(
                f"seed {seed} {method} of {arm} on {target}",
                self.study.result(seed, arm, target, method),
                method,
                checkpoint,
                self.study.target_folder(target),
                seed,
            )

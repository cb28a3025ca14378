"""The trainings and probes of the transfer evidence."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ..config import ExportInfo
from ..datasets.eval_transform import EvalTransform
from ..features.extractor import build_extractor
from ..utils.atomic import write_json, write_text
from ..utils.errors import UserError
from ..utils.steps import Steps
from .evidence import ONE_THREAD
from .target import KNN, LINEAR, Target, top1
from .transfer_study import Arm, Study, Task
from .transfer_tables import tables

_SIZE = 40  # of the networks' own views, and of the fine-tuning's
_KEPT = 5  # decoded targets: some MB each


class Stages:
    """Runs what is not done yet.

    Args:
        study: Says what, and where it is kept.
        show: Receives lines of progress.

    Raises:
        UserError: An export is missing; said before the first training.
    """

    def __init__(self, study: Study, show: Callable[[str], None]) -> None:
        self.study, self.show = study, show
        self._exports = {
            (task.name, arm.name, seed): arm.export(task.name, seed)
            for task in study.tasks
            for arm in study.arms
            for seed in range(study.seeds)
        }
        self.steps = Steps(study.out / "logs", show, ONE_THREAD)
        self._images = lru_cache(_KEPT)(_read)

    def run(self) -> None:
        """Trains and probes, one seed after the other."""
        for seed in range(self.study.seeds):
            for task in self.study.tasks:
                for arm in self.study.arms:
                    self._do(task, arm, seed)
                write_text(self.study.out / "tables.md", tables(self.study))

    def _do(self, task: Task, arm: Arm, seed: int) -> None:
        folder = self.study.folder(task, arm, seed)
        export = self._exports[task.name, arm.name, seed]
        _claim(folder, task.note(export))
        name = f"{task.folder} {arm.name} seed {seed}"
        if task.config is not None:
            self.steps.run(
                name,
                lambda: task.metrics(folder) is not None,
                "train",
                *(task.config, "--work-dir", folder),
                options=task.options_of(export, seed),
            )
        elif task.metrics(folder) is None:
            found = self._probe(task, export, seed)
            write_json(folder / "probes.json", found)
            figures = ", ".join(f"{key} {value:.1f}" for key, value in found.items())
            self.show(f"{name}: {figures}")

    def _probe(self, task: Task, export: ExportInfo, seed: int) -> dict[str, float]:
        network = build_extractor(export.network_config(), export.weights, seed=seed)
        pair = self._images(task.data).features(network)
        return {"knn": top1(KNN, *pair), "linear": top1(LINEAR, *pair)}


def _read(folder: Path) -> Target:
    return Target.read(folder, EvalTransform(_SIZE))


def _claim(folder: Path, text: str) -> None:
    """Refuses to take results of other weights for this row's."""
    note = folder / "arm.json"
    if not note.is_file():
        write_json(note, text)
    elif (before := note.read_text(encoding="utf-8").strip()) != f'"{text}"':
        raise UserError(
            f"{folder} holds results of {before}, not of {text}: choose another name "
            "or another --work-dir"
        )

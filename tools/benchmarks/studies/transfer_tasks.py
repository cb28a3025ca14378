"""What the transfer evidence compares: its rows and tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtaskssl.config import ExportInfo
from mmtaskssl.transfer.results import read_run
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import BadCommand, FileMissing
from mmtaskssl.utils.paths import resolve_config

from .study import read_json

FINE_TUNE = "finetune_resnet10-w32_1xb64-coslr-500i_folder-40px"
_TRAININGS = {
    "bccd": ("detection/bccd", "faster-rcnn_fpn_1xb8-250i_bccd-320px"),
    "voc2007_small": (
        "detection/voc2007_small",
        "faster-rcnn_fpn_1xb8-1k_voc2007-small-320px",
    ),
    "camvid": ("segmentation/camvid", "fcn_d8_1xb8-400i_camvid-160px"),
}
TASKS = tuple(_TRAININGS)
_RANDOM = "random:"


@dataclass(frozen=True)
class Arm:
    """A row of the tables: an export, or its architecture alone.

    Attributes:
        name: Of the row.
        pattern: The export's folder; ``{seed}`` and ``{task}`` stand for theirs.
        trained: False takes the architecture only.
    """

    name: str
    pattern: str
    trained: bool

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Reads ``NAME=EXPORT_DIR`` or ``NAME=random:EXPORT_DIR``.

        Raises:
            UserError: It is neither.
        """
        name, equals, pattern = text.partition("=")
        if not name or not equals or not pattern:
            raise BadCommand(f"--exports takes NAME=EXPORT_DIR, not {text!r}")
        trained = not pattern.startswith(_RANDOM)
        return cls(name, pattern.removeprefix(_RANDOM), trained)

    def export(self, task: str, seed: int) -> ExportInfo:
        """Returns the export of a task and a seed.

        Raises:
            UserError: There is none.
        """
        place = self.pattern.replace("{task}", task).replace("{seed}", str(seed))
        return ExportInfo.read(place, self.trained)


@dataclass(frozen=True)
class Task:
    """What is done with every export on one set of images.

    Attributes:
        name: Of the images.
        data: Their folder.
        config: What everyone trains; None for probes of frozen features.
        options: Of the config, the same for all rows.
    """

    name: str
    data: Path
    config: Path | None = None
    options: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Returns the folder of its results; a target can be probed and trained."""
        return f"{self.name}-fine-tune" if self.fine_tunes else self.name

    @property
    def fine_tunes(self) -> bool:
        """Returns whether a classifier is trained."""
        return self.config is not None and self.config.stem == FINE_TUNE

    @property
    def classifies(self) -> bool:
        """Returns whether its results are columns of the classification tables."""
        return self.config is None or self.fine_tunes

    @property
    def title(self) -> str:
        """Returns what stands above its table."""
        return ", ".join([self.name, f"`{self.config.stem}`", *self.options])

    def note(self, export: ExportInfo) -> str:
        """Returns what tells a result from those of other weights or options."""
        weights = f"{_RANDOM if export.weights is None else ''}{export.folder}"
        return " ".join([weights, *self.options])

    def options_of(self, export: ExportInfo, seed: int) -> list[str]:
        """Returns the options of the training of an export."""
        place = f"target={self.data}" if self.classifies else f"data_root={self.data}/"
        return [
            place,
            f"backbone={export.folder}",
            f"weights={'random' if export.weights is None else 'export'}",
            f"randomness.seed={seed}",
            *self.options,
        ]

    def metrics(self, folder: Path) -> dict[str, float] | None:
        """Returns the results in per cent that a row's folder holds; None if none."""
        if self.config is None:
            return read_json(folder / "probes.json")
        try:
            return read_run(folder).metrics or None
        except UserError:
            return None


def tasks_of(
    data: Path,
    names: Sequence[str],
    targets: Sequence[str],
    fine_tune: bool,
    options: Sequence[str],
) -> list[Task]:
    """Returns the tasks of a study.

    Args:
        data: Holds ``detection``, ``segmentation`` and ``classification``.
        names: Of `TASKS`.
        targets: Names of folders in ``classification``.
        fine_tune: Whether targets are also trained on, not only probed.
        options: Of the configs of ``names``.

    Raises:
        UserError: Images are missing.
    """
    tasks = [
        Task(name, data / place, _config(f"{place}/{config}"), tuple(options))
        for name, (place, config) in _TRAININGS.items()
        if name in names
    ]
    for name in targets:
        images = data / "classification" / name
        tasks.append(Task(name, images))
        if fine_tune:
            tasks.append(Task(name, images, _config(f"classification/{FINE_TUNE}")))
    for task in tasks:
        if not task.data.is_dir():
            raise FileMissing(f"{task.data} does not exist: --data has no {task.name}")
    return tasks


def _config(name: str) -> Path:
    return resolve_config(f"transfer/{name}.py")

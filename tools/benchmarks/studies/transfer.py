"""The same recipes on every export: trainings and probes, and their tables."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

from mmtaskssl.config import ExportInfo
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.features.extractor import build_extractor
from mmtaskssl.transfer.results import comparison_table
from mmtaskssl.utils.families import OptionConflict, UnknownName
from mmtaskssl.utils.tables import head, row

from .figures import Figures
from .study import ONE_THREAD, Cell, Study
from .target import KNN, LINEAR, Target, top1
from .transfer_tasks import Arm, Task, tasks_of

_SIZE = 40  # of the networks' own views, and of the fine-tuning's
_KEPT = 5  # decoded targets: some MB each
_PROBES = {
    "knn": "kNN top-1 (%) of frozen features, k = 20, T = 0.07",
    "linear": "Linear top-1 (%), logistic regression on frozen features",
}
_FINE_TUNED = "Fine-tuned top-1 (%)"


class Transfer(Study):
    """The rows and tasks of one working directory.

    Args:
        data: Holds ``detection``, ``segmentation`` and ``classification``.
        out: The working directory.
        exports: The rows, as `Arm.parse` reads them.
        tasks: Of `TASKS`.
        targets: Names of folders in ``classification``.
        seeds: Number of repetitions.
        fine_tune: Whether targets are also trained on, not only probed.
        options: Of the configs of ``tasks``, such as ``train_cfg.max_iters=500``.
        control: A row; of the others the tables give the difference to it.

    Raises:
        UserError: Images are missing, a row is named twice, or is no row.
    """

    env = ONE_THREAD

    def __init__(
        self,
        data: str | Path,
        out: str | Path,
        exports: Sequence[str],
        tasks: Sequence[str],
        targets: Sequence[str],
        seeds: int,
        fine_tune: bool = False,
        options: Sequence[str] = (),
        control: str | None = None,
    ) -> None:
        super().__init__(out, seeds)
        self.arms = [Arm.parse(text) for text in exports]
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise OptionConflict("--exports names a row twice")
        if control is not None and control not in names:
            raise UnknownName(f"--control {control} is no row of --exports")
        self.control = control
        self.tasks = tasks_of(Path(data), tasks, targets, fine_tune, options)
        self._images = lru_cache(_KEPT)(_read)

    def folder(self, task: Task, arm: str, seed: int) -> Path:
        """Returns where the results of a row are kept."""
        return self.out / task.folder / arm / f"seed{seed}"

    def cells(self) -> list[Cell]:
        """See `Study`.

        Raises:
            UserError: An export is missing; said before the first training.
        """
        return [
            partial(self._do, task, arm, seed, arm.export(task.name, seed))
            for seed in range(self.seeds)
            for task in self.tasks
            for arm in self.arms
        ]

    def _do(self, task: Task, arm: Arm, seed: int, export: ExportInfo) -> None:
        folder = self.folder(task, arm.name, seed)
        other = "choose another name or another --work-dir"
        self.claim(folder / "arm.json", task.note(export), other)
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
            self.keep(folder / "probes.json", found)
            figures = ", ".join(f"{key} {value:.1f}" for key, value in found.items())
            self.show(f"{name}: {figures}")

    def _probe(self, task: Task, export: ExportInfo, seed: int) -> dict[str, float]:
        network = build_extractor(export.network_config(), export.weights, seed=seed)
        pair = self._images(task.data).features(network)
        return {"knn": top1(KNN, *pair), "linear": top1(LINEAR, *pair)}

    def tables(self) -> str:
        """See `Study`; differences are seed by seed, ± their standard error."""
        parts: list[str] = []
        for task in self.tasks:
            if not task.classifies:
                parts += self._metrics(task)
        probes = [task for task in self.tasks if task.config is None]
        for measure, title in _PROBES.items():
            parts += self._classification(probes, measure, title)
        trained = [task for task in self.tasks if task.fine_tunes]
        parts += self._classification(trained, "top1", _FINE_TUNED)
        return "\n".join(parts)

    def _results(self, task: Task) -> dict[str, dict[int, dict[str, float]]]:
        """Returns of each row the metrics of the seeds that are done."""
        found = {
            arm.name: {
                seed: metrics
                for seed in range(self.seeds)
                if (metrics := task.metrics(self.folder(task, arm.name, seed)))
            }
            for arm in self.arms
        }
        return {name: runs for name, runs in found.items() if runs}

    def _metrics(self, task: Task) -> Iterator[str]:
        """Yields a table of the metrics of a detector or segmentor, and differences."""
        rows, control = self._results(task), self.control
        if not rows:
            return
        runs = {name: [*runs.values()] for name, runs in rows.items()}
        yield f"{task.title}\n\n{comparison_table(runs, 'backbone')}"
        if control not in rows:
            return
        figures = Figures(
            lambda arm, seed, metric: rows[arm].get(seed, {}).get(metric),
            *(self.seeds, [*runs[control][0]]),
        )
        lines = head([f"minus {control}", *figures.targets])
        for name in rows:
            if name != control and figures.paired(name, control):
                cells = (figures.paired_cell(name, control, m) for m in figures.targets)
                lines.append(row([name, *cells]))
        yield "\n".join(lines) + "\n"

    def _classification(
        self, tasks: list[Task], measure: str, title: str
    ) -> Iterator[str]:
        """Yields a table with a column for each set of images, and their mean."""
        found = {task.name: self._results(task) for task in tasks}
        found = {name: rows for name, rows in found.items() if rows}
        if not found:
            return
        figures = Figures(
            lambda arm, seed, name: found[name].get(arm, {}).get(seed, {}).get(measure),
            *(self.seeds, [*found]),
        )
        control = self.control
        compared = control is not None and figures.by_seed(control)
        columns = ["backbone", "seeds", *found, "mean"]
        lines = head([*columns, f"mean minus {control}"] if compared else columns)
        for arm in (arm.name for arm in self.arms):
            if not any(arm in rows for rows in found.values()):
                continue
            cells = [arm, str(len(figures.by_seed(arm)))]
            cells += [figures.cell(arm, name) for name in [*found, None]]
            if compared:
                paired = figures.paired_cell(arm, control)
                cells.append(paired if arm != control else "")
            lines.append(row(cells))
        yield f"{title}\n\n" + "\n".join(lines) + "\n"


def _read(folder: Path) -> Target:
    return Target.read(folder, EvalTransform(_SIZE))

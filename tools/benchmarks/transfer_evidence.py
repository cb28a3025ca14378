"""Which pre-training helps detection and segmentation? Every export, the same schedule.

    transfer_evidence.py --data DIR --work-dir OUT --exports NAME=EXPORT_DIR ...
        [--seeds N] [--tasks bccd voc2007_small camvid] [--tables-only]

DIR holds detection/bccd, detection/voc2007_small and segmentation/camvid. For each task
every backbone is fine-tuned by the small config, nothing frozen, batch norms trained;
NAME=random:EXPORT_DIR trains an export's architecture from scratch. EXPORT_DIR may hold
{seed} and {task}, for a pre-training of each seed or for each task. A seed decides the
new layers, the order and the flips of the images, and is the same for all rows.

Interrupted, it continues with the same command; the tables are in OUT/tables.md.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtaskssl.benchmarks.evidence import ONE_THREAD, evidence_parser
from mmtaskssl.transfer import ExportInfo
from mmtaskssl.transfer.results import comparison_table, read_run
from mmtaskssl.utils.atomic import write_json, write_text
from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.paths import resolve_config
from mmtaskssl.utils.steps import Steps

_RANDOM = "random:"


@dataclass(frozen=True)
class Task:
    """A downstream task: its data and the config that everyone trains."""

    folder: str
    config: str


TASKS = {
    "bccd": Task("detection/bccd", "faster-rcnn_fpn_1xb8-250i_bccd-320px"),
    "voc2007_small": Task(
        "detection/voc2007_small", "faster-rcnn_fpn_1xb8-1k_voc2007-small-320px"
    ),
    "camvid": Task("segmentation/camvid", "fcn_d8_1xb8-400i_camvid-160px"),
}


@dataclass(frozen=True)
class Arm:
    """A row of the tables: an export, or its architecture alone."""

    name: str
    pattern: str
    trained: bool

    @classmethod
    def parse(cls, text: str) -> "Arm":
        """Reads ``NAME=EXPORT_DIR`` or ``NAME=random:EXPORT_DIR``."""
        name, equals, pattern = text.partition("=")
        if not name or not equals or not pattern:
            raise UserError(f"--exports takes NAME=EXPORT_DIR, not {text!r}")
        trained = not pattern.startswith(_RANDOM)
        return cls(name, pattern.removeprefix(_RANDOM), trained)

    def folder(self, task: str, seed: int) -> Path:
        """Returns the export of a task and a seed.

        Raises:
            UserError: There is none.
        """
        place = self.pattern.replace("{task}", task).replace("{seed}", str(seed))
        return ExportInfo.read(place, self.trained).folder


class Evidence:
    """The trainings of one run of this script, and the tables of their results."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.data, self.out = Path(args.data), Path(args.work_dir)
        self.tasks, self.seeds = args.tasks, args.seeds
        self.arms = [Arm.parse(text) for text in args.exports]
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise UserError("--exports names a row twice")
        if not args.tables_only:
            self._exports = {  # all of them, before the first training
                (task, arm.name, seed): arm.folder(task, seed)
                for task in self.tasks
                for arm in self.arms
                for seed in range(self.seeds)
            }
        for task in self.tasks:
            if not self._data_of(task).is_dir():
                raise UserError(f"{self._data_of(task)} does not exist")
        self.steps = Steps(
            self.out / "logs", lambda text: print(text, flush=True), ONE_THREAD
        )

    def _data_of(self, task: str) -> Path:
        return self.data / TASKS[task].folder

    def run(self) -> None:
        """Runs every training that is not done yet, one seed after the other."""
        for seed in range(self.seeds):
            for task in self.tasks:
                for arm in self.arms:
                    self._train(task, arm, seed)
                write_text(self.out / "tables.md", self.tables())

    def _train(self, task: str, arm: Arm, seed: int) -> None:
        folder = self._folder(task, arm, seed)
        config = resolve_config(
            f"transfer/{TASKS[task].folder}/{TASKS[task].config}.py"
        )
        export = self._exports[task, arm.name, seed]
        self._note(folder, f"{'' if arm.trained else _RANDOM}{export}")
        self.steps.run(
            f"{task} {arm.name} seed {seed}",
            lambda: self._metrics(task, arm, seed) is not None,
            "train",
            *(config, "--work-dir", folder),
            options=[
                f"data_root={self._data_of(task)}/",
                f"backbone={export}",
                f"weights={'export' if arm.trained else 'random'}",
                f"randomness.seed={seed}",
            ],
        )

    def _note(self, folder: Path, text: str) -> None:
        """Refuses to take results of other weights for this row's."""
        note = folder / "arm.json"
        if not note.is_file():
            write_json(note, text)
        elif note.read_text().strip() != f'"{text}"':
            raise UserError(
                f"{folder} holds a training of {note.read_text().strip()}, not of "
                f"{text}: choose another name or another --work-dir"
            )

    def _folder(self, task: str, arm: Arm, seed: int) -> Path:
        return self.out / task / arm.name / f"seed{seed}"

    def _metrics(self, task: str, arm: Arm, seed: int) -> dict[str, float] | None:
        folder = self._folder(task, arm, seed)
        try:
            return read_run(folder).metrics or None
        except UserError:
            return None

    def tables(self) -> str:
        """Returns a Markdown table per task, of all trainings that are done."""
        parts = []
        for task in self.tasks:
            rows = {}
            for arm in self.arms:
                runs = [self._metrics(task, arm, seed) for seed in range(self.seeds)]
                if done := [run for run in runs if run is not None]:
                    rows[arm.name] = done
            if rows:
                title = f"{task}, `{TASKS[task].config}`"
                table = comparison_table(rows, "backbone")
                parts.append(f"{title}\n\n{table}")
        return "\n".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    parser = evidence_parser(__doc__)
    parser.add_argument("--exports", required=True, nargs="+", metavar="NAME=EXPORT")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    args = parser.parse_args(argv)
    evidence = Evidence(args)
    if not args.tables_only:
        evidence.run()
    print(evidence.tables())


if __name__ == "__main__":
    run_tool(main)

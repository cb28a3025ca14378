"""Fine-tuning on the public sets, learning rate and weight decay chosen for each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import ExportInfo
from ..datasets.public_sets import AbsentData
from ..datasets.transfer_sets import TransferSet
from ..runs import Growing, Work
from ..transfer.results import read_run
from ..utils.atomic import write_json, write_text
from ..utils.errors import UserError
from ..utils.families import Diverged, FileMissing
from ..utils.inputs import read_json
from ..utils.steps import Steps
from ..utils.tables import head, row
from .checkpoints import POINTER
from .pretrain import pretrain

#: Ericsson et al., "How Well Do Self-Supervised Models Transfer?", CVPR 2021: a
#: training's weight decay is one of these divided by its learning rate.
LEARNING_RATES = (1e-4, 1e-3, 1e-2, 1e-1)
WEIGHT_DECAYS = (1e-6, 1e-5, 1e-4, 1e-3)
_DIVERGED = "diverged.json"
_SETTINGS = "settings.json"  # of version 0.1
_FILES = (_SETTINGS, "results.json", "table.md", "logs/")
# An interrupted training goes on from its last fifth.
_CHECKPOINTS = 5
_NOT_FINITE = "the loss was not finite"


class FineTuneGrid:
    """The trainings of one network on several sets; what is done is not done again.

    For each set all pairs of learning rate and weight decay are trained on the training
    images and judged on the validation images; the best pair is trained again on both
    and tested.

    Args:
        export: Folder of the network.
        trained: False trains its architecture from scratch.
        config: A classification config.
        data_root: The folder that the sets lie in.
        out: Gets ``SET/lrA-wdB`` (work dirs), ``results.json`` and ``table.md``.
        steps: Of each training.
        learning_rates: To try.
        weight_decays: To try, each divided by the learning rate.
        options: More options of the config.
        amp: Mixed precision, see `pretrain`.
        trust: Load checkpoints even if that runs code in them.
        overwrite: Remove earlier trainings of other settings.
        log: Receives a line for each training.

    Raises:
        UserError: No such export, or ``out`` has trainings of other settings, or
            anything else.
    """

    def __init__(
        self,
        export: str | Path,
        trained: bool,
        config: str | Path,
        data_root: str | Path,
        out: str | Path,
        steps: int,
        learning_rates: Sequence[float] = LEARNING_RATES,
        weight_decays: Sequence[float] = WEIGHT_DECAYS,
        options: Mapping[str, Any] | None = None,
        amp: bool = False,
        trust: bool = False,
        overwrite: bool = False,
        log: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.export = ExportInfo.read(export, trained).folder
        self.weights = "export" if trained else "random"
        self.config, self.root, self.out = Path(config), Path(data_root), Path(out)
        self.length = steps
        self.grid = [(a, b / a) for a in learning_rates for b in weight_decays]
        self.options, self.amp, self.trust = dict(options or {}), amp, trust
        self.log = log
        self.steps = Steps(self.out / "logs", log)
        self.work = Work(
            "fine-tuning grid",
            1,
            {
                "export": str(self.export),
                "weights": self.weights,
                "config": self.config.name,
                "data_root": str(self.root.resolve()),
                "steps": self.length,
                "amp": amp,
                "options": _as_text(self.options),
            },
            _FILES,
            "a fine-tuning grid",
            _settings_of_0_1,
            older=_files_of_0_1,
        )
        if overwrite:
            self.work.clear(self.out)
        self.work.state(self.out)

    def run(self, sets: Sequence[TransferSet]) -> dict[str, Any]:
        """Trains whatever is not done yet, and writes the table after each set.

        Args:
            sets: In the order of the table.

        Returns:
            JSON-ready: ``rows``, one per set, and which sets were ``skipped``, and why.

        Raises:
            UserError: None of the sets is there, or a training failed.
        """
        with self.work.growing(self.out) as growing:  # for ever: other sets may follow
            return self._run(sets, growing)

    def _run(self, sets: Sequence[TransferSet], growing: Growing) -> dict[str, Any]:
        result: dict[str, Any] = {"rows": [], "skipped": {}}
        for task in sets:
            try:
                task.images("val", self.root)
            except AbsentData as error:
                result["skipped"][task.name] = str(error)
                self.log(f"{task.name}: skipped. {error}")
                continue
            growing.claim(f"{task.name}/")
            result["rows"].append(self._tune(task))
            write_json(self.out / "results.json", result)
            write_text(self.out / "table.md", grid_table(result))
        if not result["rows"]:
            first = next(iter(result["skipped"].values()))
            raise FileMissing(f"none of the sets is in {self.root}, such as: {first}")
        return result

    def _tune(self, task: TransferSet) -> dict[str, Any]:
        tried = []
        for lr, wd in self.grid:
            score = self._train(task, lr, wd, final=False)
            tried.append({"lr": lr, "weight_decay": wd, "val_score": score})
        finite = [trial for trial in tried if trial["val_score"] is not None]
        if not finite:
            raise Diverged(f"every training on {task.name} diverged: lower the rates")
        best = max(finite, key=lambda trial: trial["val_score"])
        score = self._train(task, best["lr"], best["weight_decay"], final=True)
        if score is None:
            raise Diverged(f"the last training on {task.name} diverged")
        return {
            "set": task.name,
            "metric": task.metric,
            **best,
            "score": score,
            "tried": tried,
        }

    def _train(
        self, task: TransferSet, lr: float, wd: float, final: bool
    ) -> float | None:
        """Returns the metric at the end of a training; None if it diverged."""
        name = f"{'final-' * final}lr{lr:g}-wd{wd:g}"
        folder = self.out / task.name / name
        if (folder / _DIVERGED).is_file():
            return None
        train, test = ("train+val", "test") if final else ("train", "val")
        options = {
            **self.options,
            "dataset": task.source,
            "data_root": str(self.root),
            "backbone": str(self.export),
            "weights": self.weights,
            "train_dataloader.dataset.split": train,
            "val_dataloader.dataset.split": test,
            "test_dataloader.dataset.split": test,
            "optim_wrapper.optimizer.lr": lr,
            "optim_wrapper.optimizer.weight_decay": wd,
            "max_iters": self.length,
            "train_cfg.val_interval": self.length,
            # By which `_score` knows a whole training.
            "default_hooks.logger.log_metric_by_epoch": False,
            "default_hooks.checkpoint.interval": self.length // _CHECKPOINTS + 1,
            "default_hooks.checkpoint.max_keep_ckpts": 1,
            "default_hooks.checkpoint.save_last": final,
        }
        last = folder / f"iter_{self.length}.pth"
        try:
            self.steps.call(
                f"{task.name} {name}",
                lambda: self._score(folder, task.metric) is not None,
                pretrain,
                self.config,
                work_dir=folder,
                # One that was interrupted between its end and its test begins anew.
                resume=not last.is_file(),
                amp=self.amp,
                cfg_options=options,
                trust=self.trust,
            )
        except UserError as error:
            if _NOT_FINITE not in str(error):
                raise
            self.log(f"{task.name} {name}: diverged")
            write_json(folder / _DIVERGED, str(error))
            return None
        if not final:  # only the last network is worth its place on the disk
            for path in [*folder.glob("iter_*.pth"), folder / POINTER]:
                path.unlink(missing_ok=True)
        return self._score(folder, task.metric)

    def _score(self, folder: Path, metric: str) -> float | None:
        try:
            step, value = read_run(folder).curves[metric][-1]
        except (UserError, LookupError):
            return None
        return value if step == self.length else None


def grid_table(result: dict[str, Any]) -> str:
    """Returns a Markdown table, a row for each set, and the mean.

    Args:
        result: As `FineTuneGrid.run` makes it.
    """
    lines = head(["set", "metric", "learning rate", "weight decay", "val", "test"])
    for found in result["rows"]:
        rates = [f"{found[key]:g}" for key in ("lr", "weight_decay")]
        scores = [f"{found[key]:.2f}" for key in ("val_score", "score")]
        lines.append(row([found["set"], found["metric"], *rates, *scores]))
    scores = [found["score"] for found in result["rows"]]
    mean = f"{sum(scores) / len(scores):.2f}"
    lines.append(row([f"mean of {len(scores)}", "", "", "", "", mean]))
    if result["skipped"]:
        lines += ["", f"Not on this disk: {', '.join(result['skipped'])}."]
    return "\n".join(lines) + "\n"


def _as_text(options: Mapping[str, Any]) -> list[str]:
    return sorted(f"{key}={value}" for key, value in options.items())


def _settings_of_0_1(out: Path) -> dict[str, Any] | None:
    """Returns the inputs of a folder from before it had a record."""
    try:
        found = read_json(out / _SETTINGS)
        words = found.pop("options")
        options = sorted(word for word in words if not word.startswith("--"))
        return {**found, "amp": "--amp" in words, "options": options}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _files_of_0_1(out: Path) -> list[str]:
    """Returns what such a folder holds: a folder of each training."""
    runs = [*out.glob("*/lr*-wd*"), *out.glob("*/final-lr*-wd*")]
    return [*_FILES, *(f"{run.relative_to(out)}/" for run in runs if run.is_dir())]

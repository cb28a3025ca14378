"""The trainings of arms: each a command of ours, in a process of its own, once."""

import functools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ...utils.atomic import write_json, write_text
from ...utils.hashing import lines_sha256
from ...utils.inputs import read_json, reading
from ...utils.steps import Steps
from ..arms.arm import Arm, Case
from .progress import progress_told

ARMS, CONFIGS = "arms", "configs"


@dataclass(frozen=True)
class Training:
    """One training of an arm.

    Attributes:
        arm: Which.
        case: What it is made from.
        iters: Its length.
        seed: Of all that it draws.
    """

    arm: Arm
    case: Case
    iters: int
    seed: int

    @property
    def name(self) -> str:
        """Of its files."""
        if self.arm.shared:
            return self._bare
        return self.judged

    @property
    def judged(self) -> str:
        """Its name at the case's budget, wherever its weights lie."""
        budget = f"{slug(self.case.budget)}-" if self.case.budget else ""
        return f"{budget}{self._bare}"

    @property
    def _bare(self) -> str:
        return f"{self.arm.name}-{self.iters}i-seed{self.seed}"


@dataclass(frozen=True)
class Trainings:
    """Runs trainings into a folder.

    Attributes:
        out: Holds ``configs/NAME.py`` and ``arms/NAME``.
        steps: Runs commands that are not done yet.
        share: Holds these, of arms that see nothing of the target, for all targets that
            share it; None: each has its own.
    """

    out: Path
    steps: Steps
    share: Path | None = None

    def shares(self, training: Training) -> bool:
        """Returns whether other targets use it, too."""
        return self._root(training) != self.out

    def name(self, training: Training) -> str:
        """Returns the name of its files; what targets share is the same to the byte."""
        return training.name + self._mark(training)

    def judged(self, training: Training) -> str:
        """Returns the name of what is known of its network at the case's budget."""
        return training.judged + self._mark(training)

    def _mark(self, training: Training) -> str:
        """Tells what targets share from what others do."""
        if not self.shares(training):
            return ""
        return f"-{lines_sha256([_text(training)])[:8]}"

    def config(self, training: Training) -> Path:
        """Writes the complete config of a training, unless it is there.

        One that names files of another place, where the folder was before it was moved
        or copied, is written anew.
        """
        file = self._root(training) / CONFIGS / f"{self.name(training)}.py"
        if not file.is_file() or self._is_moved(file, training):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, _text(training))
        return file

    def _is_moved(self, file: Path, training: Training) -> bool:
        """Whether a config differs, and nothing was trained with it here."""
        begun = (self.folder(training) / "last_checkpoint").is_file()
        return not begun and file.read_text(encoding="utf-8") != _text(training)

    def folder(self, training: Training) -> Path:
        """Returns where it trains."""
        return self._root(training) / ARMS / self.name(training)

    def _root(self, training: Training) -> Path:
        if self.share is not None and training.arm.of_pool:
            return self.share
        return self.out

    def checkpoint(self, training: Training) -> Path:
        """Returns where its last weights lie."""
        return self.folder(training) / f"iter_{training.iters}.pth"

    def arguments(self, training: Training) -> list[str]:
        """Returns the command of a training, of ``mmtaskssl``."""
        config, folder = self.config(training), self.folder(training)
        line = ["pretrain", str(config), "--work-dir", str(folder), "--resume"]
        batch = self._batch(training)
        return line if batch is None else [*line, "--cfg-options", batch]

    def _batch(self, training: Training) -> str | None:
        """Returns fewer images for each process where all take more than there are."""
        processes = self.steps.processes
        if processes == 1:
            return None
        images = training.arm.train_images(training.case).count
        given = _config(training).train_dataloader.batch_size
        if given * processes <= images:
            return None
        return f"batch_size={max(1, images // processes)}"

    def command(self, training: Training) -> str:
        """Returns the command as it can be pasted."""
        return shlex.join(["mmtaskssl", *self.arguments(training)])

    def run(self, trainings: Sequence[Training]) -> None:
        """Runs trainings, in the way of the launcher.

        Args:
            trainings: Independent of each other.

        Raises:
            UserError: One failed; its sentence, and its log.
        """

        def call(training: Training) -> None:
            folder, name, show = self.folder(training), training.name, self.steps.show
            if not self.checkpoint(training).is_file():
                show(
                    f"training {training.arm.name}, {training.iters:,} iterations "
                    f"(log: {folder}/*/*.log)"
                )
            with progress_told(folder, name, training.iters, show):
                self.steps.run(
                    f"train {name}",
                    self.checkpoint(training),
                    *self.arguments(training),
                )

        for training in trainings:
            self.config(training)
        if len(trainings) == 1:
            call(trainings[0])
            return
        self.steps.run_several([functools.partial(call, t) for t in trainings])

    def trained(self, training: Training) -> tuple[Config, Path]:
        """Returns config and weights of a training that is done."""
        return Config.fromfile(self.config(training)), self.checkpoint(training)

    def seconds(self, training: Training) -> float:
        """Returns how long it took; 0 where a kill has left that unknown."""
        file = self.folder(training).with_name(f"{self.name(training)}.json")
        took = self.steps.seconds.get(f"train {training.name}")
        if took is not None:
            write_json(file, {"seconds": took})
        with reading(file):
            return float(read_json(file)["seconds"]) if file.is_file() else 0.0


@functools.lru_cache(maxsize=64)
def _config(training: Training) -> Config:
    cfg = training.arm.config(training.case, training.iters)
    cfg.setdefault("randomness", {})["seed"] = training.seed
    return cfg


@functools.lru_cache(maxsize=64)
def _text(training: Training) -> str:
    return str(_config(training).pretty_text)


def slug(text: str) -> str:
    """Returns a text as a part of a file's name."""
    return "".join(c if c.isalnum() or c in "-." else "_" for c in text)

"""Trainings of several packages, each in a process and environment of its own."""

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmtaskssl.utils.families import BadLaunch, StepFailed

_HERE = Path(__file__).parent
#: Environment variables that keep a process to one core, or any given number.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """What a worker trains; plain values, for another process.

    Attributes:
        package: Whose: ``ours``, ``lightly_train`` or ``solo_learn``; the worker is
            ``PACKAGE_worker.py`` in this folder.
        method: A config of ours, or the package's name of a method.
        images: Folder of images.
        work: Folder for what the training writes.
        batch: Images a step.
        size: Side of the views in pixels.
        threads: Of the process.
        teacher: Of a distillation, as the package names it.
        options: Dotted keys of our config.
    """

    package: str
    method: str
    images: str
    work: str
    batch: int = 128
    size: int = 64
    threads: int = 1
    teacher: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """Seconds that some steps took: of the process, and of the clock."""

    cpu: float
    wall: float


class Worker:
    """A training in turns. Use it as a context; see `turns.Turns` for the other side.

    Args:
        python: The environment's interpreter.
        task: What it trains.

    Attributes:
        facts: What the training says of itself: versions, threads, parameters.

    Raises:
        UserError: It cannot begin; with the last line that it printed.
    """

    def __init__(self, python: str, task: Task) -> None:
        self._log = Path(task.work, "log.txt")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        script = _HERE / f"{task.package}_worker.py"
        command = [python, str(script), json.dumps(asdict(task))]
        settings = {name: str(task.threads) for name in _THREADS}
        self.task = task
        self._name = f"{task.package} {Path(task.method).stem}"
        try:
            with self._log.open("w") as log:
                self._process = subprocess.Popen(
                    command,
                    env={**os.environ, **settings},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        except OSError as error:
            raise BadLaunch(f"{python} cannot be run ({error.strerror})") from error
        try:
            self.facts: dict[str, Any] = self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def run(self, steps: int) -> Spent:
        """Lets the training take some steps, each with its loading and views.

        Args:
            steps: How many.

        Raises:
            UserError: The training ended.
        """
        return Spent(**self._ask(str(steps)))

    def save(self, path: Path) -> None:
        """Lets the training write its backbone, as a checkpoint of ours.

        Args:
            path: The file.

        Raises:
            UserError: The training ended.
        """
        self._ask(f"save {path}")

    def close(self) -> None:
        """Ends the training."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # its log says why, below
            print(line, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        lines = self._log.read_text(errors="replace").strip().splitlines()
        last = lines[-1].strip() if lines else "it printed nothing"
        raise StepFailed(f"{self._name} ended ({last}): see {self._log}")

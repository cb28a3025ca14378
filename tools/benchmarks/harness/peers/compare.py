"""Images a second of our steps and of other packages' steps, in one run."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmtaskssl.report.result import Result
from mmtaskssl.runs.result_file import ResultFile
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import BadValue, OutTaken
from mmtaskssl.utils.tables import head, quartiles, row

from .worker import Spent, Task, Worker


@dataclass(frozen=True)
class Arm:
    """One training that is compared.

    Attributes:
        name: In the table.
        python: Interpreter of the package's environment.
        task: What it trains.
    """

    name: str
    python: str
    task: Task


@dataclass(frozen=True)
class PeerSpeed(Result):
    """What steps took, round by round.

    Attributes:
        arms: By name, what each trained.
        facts: By name, what each said of itself.
        rounds: By name, seconds of each round's steps.
        missing: By name, why an arm could not run.
        steps: Of a round.
        baseline: The arm that ratios are of.
        machine: What kind it was.
    """

    arms: Mapping[str, Task]
    facts: Mapping[str, Mapping[str, Any]]
    rounds: Mapping[str, Sequence[Spent]]
    missing: Mapping[str, str]
    steps: int
    baseline: str
    machine: str

    def images_per_second(self, name: str) -> float:
        """Returns images a second of the process's CPU time, the median round's."""
        seconds = statistics.median(spent.cpu for spent in self.rounds[name])
        return self.steps * self.arms[name].batch / seconds

    def ratios(self, name: str) -> list[float]:
        """Returns, for each round, how many times the images of an arm ours takes.

        Args:
            name: The arm that our time divides, by CPU time an image.
        """
        ours, theirs = self.arms[self.baseline].batch, self.arms[name].batch
        return [
            (their.cpu / theirs) / (our.cpu / ours)
            for our, their in zip(
                self.rounds[self.baseline], self.rounds[name], strict=True
            )
        ]

    def table(self) -> str:
        """Returns a Markdown table, a line an arm, and what could not run."""
        names = ["training", "package", "torch", "CPU s a step", "images / CPU s"]
        lines = [self.machine, "", *head([*names, f"{self.baseline} is faster by"])]
        for name, rounds in self.rounds.items():
            facts = self.facts[name]
            seconds = [spent.cpu / self.steps for spent in rounds]
            ratio = "1" if name == self.baseline else quartiles(self.ratios(name), 2)
            figures = [quartiles(seconds, 2), f"{self.images_per_second(name):.1f}"]
            lines.append(row([name, facts["package"], facts["torch"], *figures, ratio]))
        lines += [
            f"\n{name}: not measured: {why}" for name, why in self.missing.items()
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns all that is known, JSON-ready."""
        own = {"images_per_cpu_second": {}, "ratios": {}}
        for name in self.rounds:
            own["images_per_cpu_second"][name] = self.images_per_second(name)
            own["ratios"][name] = self.ratios(name)
        return {**asdict(self), **own}

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes ``result.json`` into a folder; see `Result.save`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = ResultFile(
            folder / "result.json",
            "a comparison of speeds",
            lambda found: "images_per_cpu_second" in found,
        )
        if file.read() is not None and not overwrite:
            raise OutTaken(
                f"{file.path} holds an earlier result: name another folder, or replace "
                "it with --overwrite"
            )
        file.write(self.to_dict())
        return folder


def compare_peers(
    arms: Sequence[Arm],
    rounds: int = 10,
    steps: int = 2,
    warm_up: int = 2,
    machine: str = "",
    say: Callable[[str], object] = lambda line: None,
    missing: Mapping[str, str] | None = None,
    keep: Callable[[PeerSpeed], object] = lambda so_far: None,
) -> PeerSpeed:
    """Times steps of several packages' trainings side by side.

    Each trains in a process of its own, through its package's own entry point, one
    after the other and a few steps at a time: a round has all of them, another one
    begins each, and ratios are taken within a round. Seconds are of the process, so
    that waiting for others does not count; they contain loading and views.

    Args:
        arms: The first is the one that ratios are of.
        rounds: That count.
        steps: Of each arm in a round.
        warm_up: Steps of each before.
        machine: What the result says of the machine.
        say: Is told of the progress.
        missing: By name, why others are not among the arms.
        keep: Is given the result so far, of two rounds or more.

    Raises:
        UserError: The first arm cannot run, or fewer than two rounds are asked for.
    """
    if rounds < 2 or steps < 1:
        raise BadValue("two rounds or more, for a spread, of at least one step each")
    workers: dict[str, Worker] = {}
    missing = dict(missing or {})
    with ExitStack() as stack:
        for arm in arms:
            say(f"starting {arm.name}")
            try:
                workers[arm.name] = worker = stack.enter_context(
                    Worker(arm.python, arm.task)
                )
                if warm_up:
                    worker.run(warm_up)
            except UserError as error:
                if arm is arms[0]:
                    raise
                workers.pop(arm.name, None)
                missing[arm.name] = str(error)
        spent: dict[str, list[Spent]] = {name: [] for name in workers}
        facts = {name: worker.facts for name, worker in workers.items()}
        tasks = {arm.name: arm.task for arm in arms}
        speed = PeerSpeed(tasks, facts, spent, missing, steps, arms[0].name, machine)
        names = [*workers]
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                spent[name].append(workers[name].run(steps))
            line = ", ".join(f"{n} {spent[n][-1].cpu / steps:.2f}" for n in names)
            say(f"round {number + 1} of {rounds}, CPU s a step: {line}")
            if number:
                keep(speed)
    return speed

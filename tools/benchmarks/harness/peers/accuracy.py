"""How long trainings take to an accuracy, by the seconds of their own processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmtaskssl.report.result import Result
from mmtaskssl.runs.result_file import ResultFile, as_read
from mmtaskssl.utils.families import OutTaken
from mmtaskssl.utils.tables import head, row

from .compare import Arm
from .worker import Worker

_PROBE, _KNN = "linear", "kNN"
_WHAT = "a comparison of times to an accuracy"


@dataclass(frozen=True)
class Point:
    """A network on the way.

    Attributes:
        steps: Of training so far.
        cpu: Seconds of the training process, without what measures it.
        accuracy: By probe, in per cent.
    """

    steps: int
    cpu: float
    accuracy: Mapping[str, float]


@dataclass(frozen=True)
class TimeToAccuracy(Result):
    """Accuracies over time, of several trainings.

    Attributes:
        goal: Linear accuracy in per cent.
        settings: What was trained and measured, JSON-ready.
        curves: By arm, its points so far.
        facts: By arm, what it said of itself.
    """

    goal: float
    settings: Mapping[str, Any]
    curves: Mapping[str, Sequence[Point]]
    facts: Mapping[str, Mapping[str, Any]]

    def reached(self, name: str) -> Point | None:
        """Returns an arm's first point at the goal, or None."""
        points = self.curves.get(name, ())
        return next((p for p in points if p.accuracy[_PROBE] >= self.goal), None)

    def table(self) -> str:
        """Returns a Markdown table, a line an arm; what was not reached says so."""
        names = ["training", "package", f"CPU s to {self.goal:g} %", "steps"]
        lines = head([*names, "best linear", "best kNN", "CPU s in all"])
        for name, points in self.curves.items():
            at, package = self.reached(name), self.facts[name]["package"]
            time = (
                ["not reached", "-"] if at is None else [f"{at.cpu:.0f}", str(at.steps)]
            )
            best = [max(p.accuracy[k] for p in points) for k in (_PROBE, _KNN)]
            figures = [*(f"{value:.1f}" for value in best), f"{points[-1].cpu:.0f}"]
            lines.append(row([name, package, *time, *figures]))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Returns all that is known, JSON-ready."""
        reached = {name: self.reached(name) for name in self.curves}
        times = {name: at and asdict(at) for name, at in reached.items()}
        return {**asdict(self), "reached": times}

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes ``times.json`` into a folder; see `Result.save`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        file = result_file(folder)
        if file.read() is not None and not overwrite:
            raise OutTaken(f"{file.path} holds an earlier result: name another folder")
        file.write(self.to_dict())
        return folder


def result_file(folder: Path) -> ResultFile:
    """Returns the file that times are kept in."""
    kind = {"goal", "curves", "reached"}
    return ResultFile(folder / "times.json", _WHAT, lambda found: kind <= set(found))


def time_to_accuracy(
    arms: Sequence[Arm],
    measure: Callable[[Path], Mapping[str, float]],
    goal: float,
    steps: int,
    every: int,
    keep: Path,
    settings: Mapping[str, Any],
    say: Callable[[str], object] = lambda line: None,
) -> TimeToAccuracy:
    """Trains each arm until it reaches an accuracy, or has had its steps.

    One after the other. A process killed meanwhile goes on with the same call: arms
    that ended are kept, one that was cut short begins anew.

    Args:
        arms: What is trained.
        measure: Returns accuracies, ``linear`` and ``kNN``, of a checkpoint of ours.
        goal: Of ``linear``, per cent.
        steps: At most, of each arm.
        every: Steps between measurements.
        keep: Folder of the result.
        settings: What else decides the result; of another one's folder nothing is kept.
        say: Is told of each point.

    Raises:
        UserError: A training ended, or the folder holds results of other settings.
    """
    tasks = {arm.name: asdict(arm.task) | {"work": ""} for arm in arms}
    settings = as_read({**settings, "tasks": tasks, "steps": steps, "every": every})
    file = result_file(keep)
    keep.mkdir(parents=True, exist_ok=True)
    found = file.read() or {
        "goal": goal,
        "settings": settings,
        "curves": {},
        "facts": {},
    }
    if (found["goal"], found["settings"]) != (goal, settings):
        raise OutTaken(f"{file.path} is of other settings: name another folder")
    facts = dict(found["facts"])
    curves = {n: [Point(**p) for p in points] for n, points in found["curves"].items()}

    def result() -> TimeToAccuracy:
        return TimeToAccuracy(goal, settings, curves, facts)

    for arm in arms:
        if arm.name in curves and _ended(curves[arm.name], goal, steps):
            continue
        curves[arm.name] = points = []
        with TemporaryDirectory() as folder, Worker(arm.python, arm.task) as worker:
            facts[arm.name] = worker.facts
            while not _ended(points, goal, steps):
                before = points[-1] if points else Point(0, 0.0, {})
                many = min(every, steps - before.steps)
                cpu = before.cpu + worker.run(many).cpu
                file_of_weights = Path(folder, "backbone.pth")
                worker.save(file_of_weights)
                point = Point(before.steps + many, cpu, dict(measure(file_of_weights)))
                points.append(point)
                file.write(result().to_dict())
                say(f"{arm.name}: {point}")
    return result()


def _ended(points: Sequence[Point], goal: float, steps: int) -> bool:
    if not points:
        return False
    return points[-1].steps >= steps or points[-1].accuracy[_PROBE] >= goal

"""Which trainings may be averaged: those that differ in the seed alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..utils.errors import UserError
from .results import Run

# Of what two settings differ in, so many are named in a row's title.
_NAMED = 2


@dataclass(frozen=True)
class Comparison:
    """Trainings side by side.

    Attributes:
        tasks: Of each task's name the rows: title and runs, one a seed.
        notes: What was left out, a sentence each.
    """

    tasks: dict[str, dict[str, list[Run]]]
    notes: list[str]


def compare(runs: Iterable[Run]) -> Comparison:
    """Groups trainings by task, backbone and settings.

    Runs without a result, and those that stopped earlier than others of their row, are
    left out: their last value is not the others'.

    Args:
        runs: With the steps of their metrics in ``curves``.

    Raises:
        UserError: No run has a result, or two are the same, with the same seed.
    """
    notes, groups = [], {}
    for run in runs:
        if run.metrics:
            groups.setdefault((run.task, run.backbone), []).append(run)
        else:
            notes.append(f"{run.folder} has no result yet: left out")
    if not groups:
        raise UserError("no training has a result yet: " + "; ".join(notes))
    tasks: dict[str, dict[str, list[Run]]] = {}
    for (task, backbone), found in groups.items():
        for setting, alike in _by_settings(found).items():
            row = _of_equal_length(alike, notes)
            _check_seeds(row)
            tasks.setdefault(task, {})[backbone + setting] = row
    return Comparison(tasks, notes)


def _by_settings(runs: list[Run]) -> dict[str, list[Run]]:
    keys = sorted({key for run in runs for key in run.options}, key=len)
    different = [k for k in keys if len({run.options.get(k) for run in runs}) > 1]
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        values = tuple(run.options.get(key) for key in different)
        groups.setdefault(values, []).append(run)
    titles: dict[str, list[Run]] = {}
    for values, alike in groups.items():
        named = [
            f", {key}={value}" for key, value in zip(different, values, strict=True)
        ]
        title = "".join(named[:_NAMED])
        # What the title does not tell apart is told apart by a number.
        number = sum(other.startswith(title) for other in titles)
        titles[f"{title} ({number + 1})" if number else title] = alike
    return titles


def _of_equal_length(runs: list[Run], notes: list[str]) -> list[Run]:
    steps = [max(run.curves[name][-1][0] for name in run.metrics) for run in runs]
    kept = []
    for run, step in zip(runs, steps, strict=True):
        if step == max(steps):
            kept.append(run)
        else:
            notes.append(f"{run.folder} is at step {step} of {max(steps)}: left out")
    return kept


def _check_seeds(runs: list[Run]) -> None:
    seen: dict[int, Run] = {}
    for run in runs:
        if run.seed is not None and run.seed in seen:
            raise UserError(
                f"{seen[run.seed].folder} and {run.folder} are the same training with "
                f"the same seed, {run.seed}: name one of them"
            )
        if run.seed is not None:
            seen[run.seed] = run

"""Which trainings may be averaged: those that differ in the seed alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..utils.families import NoResultYet, OptionConflict
from .results import Run, comparison_table

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

    def table(self) -> str:
        """Returns a Markdown table for each task."""
        parts = []
        for task, rows in self.tasks.items():
            metrics = {t: [run.metrics for run in runs] for t, runs in rows.items()}
            parts.append(f"{task}\n\n{comparison_table(metrics, 'backbone')}")
        return "\n".join(parts)


def compare(runs: Iterable[Run]) -> Comparison:
    """Groups trainings by task, backbone and settings.

    Runs without a result, and those that stopped earlier than others of their row, are
    left out: their last value is not the others'.

    Args:
        runs: With the steps of their metrics in ``curves``.

    Raises:
        UserError: No run has a result, or two are the same, with the same seed.
    """
    notes, found = [], {}
    for run in runs:
        if run.metrics:
            found.setdefault(run.task, []).append(run)
        else:
            notes.append(f"{run.folder} has no result yet: left out")
    if not found:
        raise NoResultYet("no training has a result yet: " + "; ".join(notes))
    tasks = {task: _rows(alike) for task, alike in found.items()}
    for rows in tasks.values():
        for title, row in rows.items():
            rows[title] = _of_equal_length(row, notes)
            _check_seeds(rows[title])
    return Comparison(tasks, notes)


def _rows(runs: list[Run]) -> dict[str, list[Run]]:
    """Groups the runs of a task by backbone and settings."""
    backbones: dict[str, list[Run]] = {}
    for run in runs:
        backbones.setdefault(run.backbone, []).append(run)
    # Between backbones the model's channels differ as they must.
    different = {key for key in _different(runs) if not key.startswith("model.")}
    different = different.union(*map(_different, backbones.values()))
    keys = sorted(different, key=lambda key: (len(key), key))
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        values = tuple(run.options.get(key) for key in keys)
        groups.setdefault((run.backbone, values), []).append(run)
    titles: dict[str, list[Run]] = {}
    for (backbone, values), alike in groups.items():
        # A variable and the place that it sets are one setting.
        named: dict[tuple, str] = {}
        for key, value in zip(keys, values, strict=True):
            named.setdefault((key.rsplit(".", 1)[-1], value), f", {key}={value}")
        title = backbone + "".join([*named.values()][:_NAMED])
        # What the title does not tell apart is told apart by a number.
        number = sum(other.startswith(title) for other in titles)
        titles[f"{title} ({number + 1})" if number else title] = alike
    return titles


def _different(runs: list[Run]) -> set[str]:
    keys = {key for run in runs for key in run.options}
    return {key for key in keys if len({run.options.get(key) for run in runs}) > 1}


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
            raise OptionConflict(
                f"{seen[run.seed].folder} and {run.folder} are the same training with "
                f"the same seed, {run.seed}: name one of them"
            )
        if run.seed is not None:
            seen[run.seed] = run

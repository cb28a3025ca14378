"""The tables of the transfer evidence."""

from statistics import mean

from ..transfer.results import comparison_table
from ..utils.tables import difference, head, row, spread
from .transfer_study import Study, Task

Rows = dict[str, dict[int, dict[str, float]]]
"""Metrics by row and seed."""

_PROBES = {
    "knn": "kNN top-1 (%) of frozen features, k = 20, T = 0.07",
    "linear": "Linear top-1 (%), logistic regression on frozen features",
}
_FINE_TUNED = "Fine-tuned top-1 (%)"


def tables(study: Study) -> str:
    """Returns the Markdown tables of what is done.

    A difference to the control is the mean of those of the same seed ± its standard
    error.
    """
    parts, control = [], study.control
    for task in study.tasks:
        rows = study.results(task)
        if rows and not task.classifies:
            table = comparison_table(
                {name: [*runs.values()] for name, runs in rows.items()}, "backbone"
            )
            parts.append(f"{task.title}\n\n{table}")
            if control in rows:
                parts.append(_differences(rows, control))
    probes = [task for task in study.tasks if task.config is None]
    for measure, title in _PROBES.items():
        parts += _classification(study, probes, measure, title)
    trained = [task for task in study.tasks if task.fine_tunes]
    parts += _classification(study, trained, "top1", _FINE_TUNED)
    return "\n".join(parts)


def _differences(rows: Rows, control: str) -> str:
    """Returns a table of each metric over the control's."""
    metrics = [*next(iter(rows[control].values()))]
    lines = head([f"minus {control}", *metrics])
    for name, runs in rows.items():
        seeds = [seed for seed in runs if seed in rows[control]]
        if name != control and seeds:
            cells = [
                difference([runs[s][m] - rows[control][s][m] for s in seeds])
                for m in metrics
            ]
            lines.append(row([name, *cells]))
    return "\n".join(lines) + "\n"


def _classification(
    study: Study, tasks: list[Task], measure: str, title: str
) -> list[str]:
    """Returns a table with a column for each set of images, and their mean."""
    control = study.control
    found = {task.name: study.results(task) for task in tasks}
    found = {name: rows for name, rows in found.items() if rows}
    if not found:
        return []
    columns = ["backbone", "seeds", *found, "mean"]
    compared = control is not None and _means(found, control, measure)
    lines = head([*columns, f"mean minus {control}"] if compared else columns)
    for arm in (arm.name for arm in study.arms):
        if not any(arm in rows for rows in found.values()):
            continue
        cells = [
            spread([run[measure] for run in rows.get(arm, {}).values()])
            for rows in found.values()
        ]
        means = _means(found, arm, measure)
        cells = [arm, str(len(means)), *cells, spread(means.values())]
        if compared:
            paired = [means[s] - compared[s] for s in means if s in compared]
            cells.append(difference(paired) if arm != control else "")
        lines.append(row(cells))
    return [f"{title}\n\n" + "\n".join(lines) + "\n"]


def _means(found: dict[str, Rows], arm: str, measure: str) -> dict[int, float]:
    """Returns the mean over the sets, of the seeds that all of them have."""
    runs = [rows.get(arm, {}) for rows in found.values()]
    seeds = sorted(set.intersection(*map(set, runs)))
    return {seed: mean(run[seed][measure] for run in runs) for seed in seeds}

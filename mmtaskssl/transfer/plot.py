"""Curves of downstream trainings."""

from pathlib import Path

from ..runs import OutputFile
from ..utils.families import PackageMissing
from .compare import Comparison


def plot_runs(
    comparison: Comparison, path: str | Path, overwrite: bool = False
) -> None:
    """Draws how each training got where it is, one panel a task.

    Args:
        comparison: The trainings.
        path: The picture, by whose suffix its format is chosen.
        overwrite: Replace a file that stands there.

    Raises:
        UserError: matplotlib is not installed, or a file stands there.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise PackageMissing("plots need matplotlib: pip install matplotlib") from error

    tasks = comparison.tasks
    figure, axes = pyplot.subplots(
        1, len(tasks), figsize=(5 * len(tasks), 4), squeeze=False
    )
    for axis, (task, rows) in zip(axes[0], tasks.items(), strict=True):
        runs = [run for found in rows.values() for run in found]
        metric = next(iter(runs[0].metrics), "loss")
        if all(len(run.curves.get(metric, ())) < 2 for run in runs):
            metric = "loss"  # measured at the end only
        for number, (title, found) in enumerate(rows.items()):
            for run in found:
                curve = run.curves.get(metric, [])
                label = title if run is found[0] else None
                axis.plot(
                    *zip(*curve, strict=True), color=f"C{number % 10}", label=label
                )
        axis.set(title=task, xlabel="step", ylabel=metric)
        axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.15))
    figure.tight_layout()
    with OutputFile(Path(path)).written(overwrite) as temporary:
        figure.savefig(temporary, dpi=100, bbox_inches="tight")
    pyplot.close(figure)

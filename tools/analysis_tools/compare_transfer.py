"""Compares downstream trainings: a table per task, a row per backbone.

    compare_transfer.py WORK_DIRS... [--plot FILE.png] [--out FILE.md]

WORK_DIRS are work dirs of tools/train.py, or folders that hold some. Runs that differ
in the seed alone share a row: mean ± sample standard deviation of their last values,
in per cent; other settings make rows of their own. The plot shows how they got there.
"""

import argparse
import sys
from collections.abc import Sequence

from mmtaskssl.utils.errors import UserError, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIRS")
    parser.add_argument("--out", metavar="FILE.md", help="also write the tables here")
    parser.add_argument("--plot", metavar="FILE.png", help="curves of every run")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.transfer.compare import compare
    from mmtaskssl.transfer.results import comparison_table, find_runs
    from mmtaskssl.utils.atomic import write_text

    comparison = compare(find_runs(args.work_dirs))
    tasks = comparison.tasks
    parts = []
    for task, rows in tasks.items():
        table = comparison_table(
            {title: [run.metrics for run in runs] for title, runs in rows.items()},
            "backbone",
        )
        parts.append(f"{task}\n\n{table}")
    text = "\n".join(parts)
    print(text, end="")
    for note in comparison.notes:
        print(f"note: {note}", file=sys.stderr)
    if args.out:
        write_text(args.out, text)
    if args.plot:
        _plot(tasks, args.plot)


def _plot(tasks: dict[str, dict[str, list]], path: str) -> None:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise UserError("--plot needs: pip install matplotlib") from error
    from mmtaskssl.utils.atomic import atomic_path

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
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    run_tool(main)

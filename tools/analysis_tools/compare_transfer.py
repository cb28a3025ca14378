"""Compares downstream trainings: a table per task, a row per backbone.

    compare_transfer.py WORK_DIRS... [--plot FILE.png] [--out FILE.md]

WORK_DIRS are work dirs of tools/train.py, or folders that hold some. Runs that differ
in the seed alone share a row: mean ± sample standard deviation of their last values,
in per cent; other settings make rows of their own. The plot shows how they got there.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    parser.add_argument("work_dirs", nargs="+", metavar="WORK_DIRS")
    parser.add_argument("--out", metavar="FILE.md", help="also write the tables here")
    parser.add_argument("--plot", metavar="FILE.png", help="curves of every run")
    options.add_overwrite(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.runs import OutputFile
    from mmtaskssl.transfer.compare import compare
    from mmtaskssl.transfer.plot import plot_runs
    from mmtaskssl.transfer.results import find_runs

    for file in filter(None, (args.out, args.plot)):
        OutputFile(Path(file)).check(args.overwrite)
    comparison = compare(find_runs(args.work_dirs))
    print(comparison.table(), end="")
    for note in comparison.notes:
        print(f"note: {note}", file=sys.stderr)
    if args.out:
        with OutputFile(Path(args.out)).written(args.overwrite) as temporary:
            temporary.write_text(comparison.table(), encoding="utf-8")
    if args.plot:
        plot_runs(comparison, args.plot, args.overwrite)


if __name__ == "__main__":
    run_tool(main)

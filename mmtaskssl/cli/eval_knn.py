"""Weighted k-nearest-neighbour accuracy of features.

eval_knn.py CONFIG CKPT --target DIR       (DIR/{train,test}/CLASS/IMAGE)
eval_knn.py EXPORT_DIR --target DIR
eval_knn.py --train STORE --test STORE
eval_knn.py ... --shots 5 --seeds 10       (mean and spread over draws)
eval_knn.py CONFIG CKPT --target DIR --all-subnets   (or --subnet NAME ...)

Prints a table; --json OUT also writes it, with every draw. The table of sub-nets also
has their MACs, parameters and embedding rank; with --json OUT an interrupted run goes
on where it was. Sub-nets that share batch norms need a calibrated checkpoint or
--calibrate SRC.
"""

import argparse
from collections.abc import Sequence

from . import options
from .evaluation import add_data_options, run


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_knn(parser)
    add_data_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates by kNN."""
    args = make_parser().parse_args(argv)
    run(args, ["knn"], k=args.k, temperature=args.temperature)

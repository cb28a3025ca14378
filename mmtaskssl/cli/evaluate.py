"""How good features are for a task: several probes in one table.

evaluate CONFIG CKPT --target DIR --probe knn linear   (DIR/{train,test}/CLASS/IMAGE)
evaluate EXPORT_DIR --target DIR
evaluate --train STORE --test STORE --shots 5 --seeds 10 --probe knn few-shot-svm
evaluate CONFIG CKPT --target DIR --all-subnets        (or --subnet NAME ...)

Probes: knn (weighted k nearest neighbours), linear (logistic regression, its weight
decay chosen on the training images), few-shot-svm (one linear SVM a class). --json OUT
also writes the result, with every draw; of sub-nets, an interrupted run goes on there.
"""

import argparse
from collections.abc import Sequence

from . import options
from .evaluation import add_data_options, run

_PROBES = ("knn", "linear", "few-shot-svm")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("--probe", nargs="+", choices=_PROBES, default=["knn"])
    options.add_knn(parser)
    options.add_weight_decays(parser)
    add_data_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates."""
    args = make_parser().parse_args(argv)
    given = {"weight_decays": args.weight_decays} if args.weight_decays else {}
    run(args, args.probe, k=args.k, temperature=args.temperature, **given)

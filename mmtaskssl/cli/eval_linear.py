"""Logistic regression on features, its weight decay chosen on the training images.

eval_linear.py CONFIG CKPT --target DIR    (DIR/{train,test}/CLASS/IMAGE)
eval_linear.py EXPORT_DIR --target DIR
eval_linear.py --train STORE --test STORE
eval_linear.py ... --shots 5 --seeds 10    (mean and spread over draws)
eval_linear.py CONFIG CKPT --target DIR --all-subnets   (or --subnet NAME ...)
eval_linear.py ... --protocol few-shot-svm --shots 4 --seeds 5
eval_linear.py --protocols     (those of published tables, and what runs each)

Prints a table; --json OUT also writes it, with every draw. The table of sub-nets has
their MACs, parameters, kNN (k 20, temperature 0.07; the features are there anyway),
linear accuracy, each with a classifier of its own, and embedding rank; with --json OUT
an interrupted run goes on where it was. Sub-nets that share batch norms need a
calibrated checkpoint or --calibrate SRC.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from ..utils.families import OptionMissing
from . import options
from .evaluation import add_data_options, run

_PROTOCOLS = ("cross-validated", "few-shot-svm")


class _ShowProtocols(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from ..evaluation.published import PUBLISHED

        print("\n\n".join(found.describe() for found in PUBLISHED.values()))
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("--protocols", nargs=0, action=_ShowProtocols)
    parser.add_argument(
        "--protocol",
        choices=_PROTOCOLS,
        default=_PROTOCOLS[0],
        help="logistic regression (default, ours), or one linear SVM a class (Goyal et "
        "al., 2019)",
    )
    options.add_weight_decays(parser)
    add_data_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates by logistic regression or SVMs."""
    args = make_parser().parse_args(argv)
    subnets = bool(args.subnet or args.all_subnets)
    if args.protocol == "few-shot-svm":
        if args.shots is None or subnets:
            raise OptionMissing(
                "--protocol few-shot-svm needs --shots, and one network"
            )
        run(args, ["few-shot-svm"])
        return
    given = {"weight_decays": args.weight_decays} if args.weight_decays else {}
    run(args, ["knn", "linear"] if subnets else ["linear"], **given)

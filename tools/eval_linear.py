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

from mmtaskssl.evaluation.cli import add_data_options, run_evaluation
from mmtaskssl.evaluation.linear import WEIGHT_DECAYS
from mmtaskssl.evaluation.methods import knn_method, linear_method, svm_method
from mmtaskssl.evaluation.published import PUBLISHED
from mmtaskssl.evaluation.subnets import evaluate_subnets
from mmtaskssl.utils.errors import UserError, run_tool

_PROTOCOLS = ("cross-validated", "few-shot-svm")


class _ShowProtocols(argparse.Action):
    def __call__(self, parser, *_) -> None:
        print("\n\n".join(found.describe() for found in PUBLISHED.values()))
        parser.exit()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--protocols", nargs=0, action=_ShowProtocols)
    parser.add_argument(
        "--protocol",
        choices=_PROTOCOLS,
        default=_PROTOCOLS[0],
        help="logistic regression (default, ours), or one linear SVM a class (Goyal et "
        "al., 2019)",
    )
    parser.add_argument(
        "--weight-decays",
        type=float,
        nargs="+",
        default=WEIGHT_DECAYS,
        help="grid to choose from (default: 1e-7 to 100)",
    )
    add_data_options(parser)
    args = parser.parse_args(argv)

    if args.protocol == "few-shot-svm":
        if args.shots is None or args.subnet or args.all_subnets:
            raise UserError("--protocol few-shot-svm needs --shots, and one network")
        facts = {"protocol": args.protocol}
        run_evaluation(args, "few-shot SVM", svm_method(), facts, log)
        return
    linear = linear_method(args.weight_decays)
    facts = {"protocol": args.protocol} | {"weight_decays": sorted(args.weight_decays)}
    if args.subnet or args.all_subnets:
        methods = {"kNN": knn_method(), "linear": linear}
        evaluate_subnets(args, methods, facts, log)
        return
    result = run_evaluation(args, "linear", linear, facts, log)
    chosen = sorted({run["weight_decay"] for run in result["runs"]})
    log("  weight decay    " + ", ".join(f"{value:g}" for value in chosen))


def log(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    run_tool(main)

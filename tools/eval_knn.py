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

from mmtaskssl.evaluation.cli import add_data_options, run_evaluation
from mmtaskssl.evaluation.methods import knn_method
from mmtaskssl.evaluation.subnets import evaluate_subnets
from mmtaskssl.utils.errors import run_tool


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", type=int, default=20, help="neighbours")
    parser.add_argument(
        "-T", "--temperature", type=float, default=0.07, help="of their votes"
    )
    add_data_options(parser)
    args = parser.parse_args(argv)

    knn = knn_method(args.k, args.temperature)
    facts = {"k": args.k, "temperature": args.temperature}
    if args.subnet or args.all_subnets:
        evaluate_subnets(args, {"kNN": knn}, facts, log)
        return
    result = run_evaluation(args, "kNN", knn, facts, log)
    used = result["runs"][0]["k_used"]
    if used < args.k:
        log(f"  note: k is {used}, as many as there are training images")


def log(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    run_tool(main)

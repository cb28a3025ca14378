"""Weighted k-nearest-neighbour accuracy of features.

eval_knn.py CONFIG CKPT --target DIR       (DIR/{train,test}/CLASS/IMAGE)
eval_knn.py --train STORE --test STORE
eval_knn.py ... --shots 5 --seeds 10       (mean and spread over draws)

Prints a table; --json OUT also writes it, with every draw.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.evaluation.cli import add_data_options, run_evaluation
from mmtaskssl.evaluation.knn import weighted_knn
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

    def knn(train, test, seed):
        scores = weighted_knn(
            train.x,
            train.y,
            test.x,
            len(train.class_names),
            args.k,
            args.temperature,
        )
        used = min(args.k, len(train.x))
        if used < args.k and seed == 0:
            print(f"note: k is {used}, as many as there are training images")
        return scores, {"k_used": used}

    facts = {"k": args.k, "temperature": args.temperature}
    run_evaluation(args, "kNN", knn, facts, lambda text: print(text, flush=True))


if __name__ == "__main__":
    run_tool(main)

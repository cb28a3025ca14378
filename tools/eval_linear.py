"""Logistic regression on features, its weight decay chosen on the training images.

eval_linear.py CONFIG CKPT --target DIR    (DIR/{train,test}/CLASS/IMAGE)
eval_linear.py --train STORE --test STORE
eval_linear.py ... --shots 5 --seeds 10    (mean and spread over draws)

Prints a table; --json OUT also writes it, with every draw.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.evaluation.cli import add_data_options, run_evaluation
from mmtaskssl.evaluation.linear import WEIGHT_DECAYS, linear_probe
from mmtaskssl.utils.errors import run_tool


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
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

    def linear(train, test, seed):
        model = linear_probe(
            train.x, train.y, len(train.class_names), args.weight_decays, seed
        )
        return model.scores(test.x), {"weight_decay": model.weight_decay}

    facts = {"weight_decays": sorted(args.weight_decays)}
    result = run_evaluation(
        args, "linear", linear, facts, lambda text: print(text, flush=True)
    )
    chosen = sorted({run["weight_decay"] for run in result["runs"]})
    print("  weight decay    " + ", ".join(f"{value:g}" for value in chosen))


if __name__ == "__main__":
    run_tool(main)

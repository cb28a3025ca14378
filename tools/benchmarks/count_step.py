r"""Launches, waits, collectives and memory of a training step, without a GPU.

    count_step.py CONFIG [CONFIG ...] [--world-size 8] [--amp] [--batch-size N]
                  [--sync-bn]

The config's model and optimizer run two steps on CUDA tensors that have a shape and a
device but no values, in a process group that answers nothing and holds to NCCL's rules.
Counted of the second: operations dispatched in forwards, averages, queues and optimizer
(the kernels of the backward pass are not among them), places in which the host waits
for the device, and collectives called from Python with the bytes that a process
receives (DDP's own all-reduce of the gradients comes on top). GiB is the peak of what
lives at once, weights and optimizer state included. Views are not part of it.
"""

import argparse
import logging
from collections.abc import Sequence

from mmtaskssl.utils.errors import run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", metavar="CONFIG", help="to count")
    parser.add_argument("--world-size", type=int, default=8, help="processes")
    parser.add_argument("--amp", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--batch-size", type=int, help="images a process")
    parser.add_argument("--sync-bn", action="store_true", help="in all models")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    from harness.count_step import count_step, report

    logging.disable(logging.INFO)
    try:
        steps = [
            count_step(config, args.world_size, args.amp, args.batch_size, args.sync_bn)
            for config in args.configs
        ]
    finally:
        logging.disable(logging.NOTSET)
    print(*report(steps), sep="\n")


if __name__ == "__main__":
    run_tool(main)

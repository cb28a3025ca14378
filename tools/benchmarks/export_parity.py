"""Exported sub-nets beside the elastic network: the same numbers, the same speed.

    export_parity.py [--tables parity hosts latency] [--kinds NAME ...]

Three Markdown tables:

Parity. For every kind of elastic backbone at full size: its anchors and random sub-nets
are calibrated, exported to files, built from meta.json, loaded strictly, and compared
with the elastic network on images that nothing was calibrated on, at every stage's
output (float32, evaluation). Differences are absolute, beside the largest feature.

Hosts. The anchors of DATA's space at full size, exported and loaded strictly by
mmdet, mmseg and torchvision: into their own ResNet where it has the shape, else into
mmtaskssl.SubnetResNet, built by the host's registry.

Latency. A stock network, the exported one of the same shape, and the sub-net inside of
the elastic network, all with the same weights, in turns, in rotating order; ratios
are taken within a round. On a CPU the clock counts this process' CPU time.

Weights are random, with batch norms whose affine and statistics matter.
"""

import argparse
import logging
import os
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from harness.host_parity import host_table
from harness.latency import Timing, latency_table
from harness.parity import KINDS, parity_table
from mmtaskssl.cli import options
from mmtaskssl.utils.devices import pick_device
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["parity", "hosts", "latency"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--subnets", type=int, default=20, help="of each kind")
    parser.add_argument("--rounds", type=int, default=11, help="of timing")
    parser.add_argument("--batch", type=int, default=1, help="of timing")
    parser.add_argument("--size", type=int, default=224, help="of timing, pixels")
    options.add_device(parser, "of timing")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if args.subnets < 1 or args.rounds < 2:
        raise BadValue("--subnets must be 1 or more, and --rounds at least 2")
    device = str(pick_device(args.device))
    torch.set_num_threads(1)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    init_default_scope("mmtaskssl")
    timing = Timing(device, args.batch, args.size, args.rounds, args.seed)
    tables = {
        "parity": parity_table(args.kinds, args.subnets, args.seed),
        "hosts": host_table(args.seed),
        "latency": latency_table(timing),
    }
    for name in args.tables:
        for line in tables[name]:
            print(line, flush=True)
        print()


if __name__ == "__main__":
    run_tool(main)

"""The main job in one command: which pool images help this target, and how much?

    quickstart.py --out DIR                                   (built-in images)
    quickstart.py --out DIR --images POOL --target LABELLED   (yours)

Pre-trains a network on random images of the pool, extracts features with it, selects as
many pool images that are most similar to the target, pre-trains a network on those, and
measures both and an untrained one on the target. LABELLED holds
CLASS/IMAGE, or train/CLASS/IMAGE and test/CLASS/IMAGE. The same command continues an
interrupted run.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from ..utils.errors import UserError
from ..utils.steps import Steps
from . import options

# What the steps of the journey import.
_PRELOAD = (
    "mmtaskssl.engine.pretrain",
    "mmtaskssl.evaluation.evaluate",
    "mmtaskssl.selection.folder",
)


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--images", metavar="POOL", help="folder of unlabelled images")
    parser.add_argument("--target", metavar="LABELLED", help="folder of CLASS/IMAGE")
    parser.add_argument(
        "--budget",
        help="images to select (5000), or 10%% of the pool (default: a sixth of it, "
        "256 to 10,000)",
    )
    parser.add_argument(
        "--iters", type=int, default=300, help="of each pre-training (default 300)"
    )
    options.add_max_pixels(parser)
    options.add_seed(parser, "the trainings and the random images")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Makes the journey, or goes on with it."""
    args = make_parser().parse_args(argv)
    if bool(args.images) != bool(args.target):
        raise UserError("name both --images POOL and --target LABELLED, or neither")
    begin, out = time.monotonic(), Path(args.out)

    def show(text: str) -> None:
        print(f"[{time.monotonic() - begin:4.0f} s] {text}", flush=True)

    steps = Steps(out / "logs", show, preload=_PRELOAD)
    # These take seconds, and the steps' server imports meanwhile.
    from ..quickstart import start_journey

    journey = start_journey(
        out, args.images, args.target, args.budget, args.iters, steps, args.seed
    )
    journey.run()
    print(f"\n{journey.table()}\n")
    print(f"look at the selection   {out}/selection-selected/report.html")
    print(f"selected images         {out}/selection-selected/selection.txt")
    print(f"backbone                {journey.checkpoints['selected']}")
    print(f"logs of every step      {out}/logs")

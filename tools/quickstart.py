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

from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import add_pixel_option
from mmtaskssl.utils.steps import Steps

# What the tools of the journey import.
_PRELOAD = (
    "mmtaskssl.config",
    "mmtaskssl.engine.run",
    "mmtaskssl.evaluation.cli",
    "mmtaskssl.features.opening",
    "mmtaskssl.selection.select",
)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--images", metavar="POOL", help="folder of unlabelled images")
    parser.add_argument("--target", metavar="LABELLED", help="folder of CLASS/IMAGE")
    parser.add_argument(
        "--budget",
        type=int,
        help="images to select (default: a sixth of the pool, 256 to 10,000)",
    )
    parser.add_argument(
        "--iters", type=int, default=300, help="of each pre-training (default 300)"
    )
    add_pixel_option(parser)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    if bool(args.images) != bool(args.target):
        raise UserError("name both --images POOL and --target LABELLED, or neither")

    begin = time.monotonic()
    out = Path(args.out)

    def show(text: str) -> None:
        print(f"[{time.monotonic() - begin:4.0f} s] {text}", flush=True)

    steps = Steps(out / "logs", show, preload=_PRELOAD)
    # These take seconds, and the steps' server imports meanwhile.
    from mmtaskssl.datasets.images import list_images
    from mmtaskssl.quickstart import Journey, prepare_target
    from mmtaskssl.quickstart.builtin import write_builtin

    if args.images:
        pool, target = Path(args.images), Path(args.target)
    else:
        pool, target = write_builtin(out / "images")
    target = prepare_target(target, out / "target", args.seed)
    count = len(list_images(str(pool))[1])
    budget = args.budget or min(count, max(256, min(10_000, count // 6)))
    show(f"pool {pool}: {count:,} images; target {target}; budget {budget:,}")
    journey = Journey(pool, target, out, budget, args.iters, steps, args.seed)
    journey.run()
    print(f"\n{journey.table()}\n")
    print(f"look at the selection   {out}/selection-selected/report.html")
    print(f"selected images         {out}/selection-selected/selection.txt")
    print(f"backbone                {journey.checkpoints['selected']}")
    print(f"logs of every step      {out}/logs")


if __name__ == "__main__":
    run_tool(main)

"""Makes a training's checkpoint small and recognisable: weights, config and classes.

    publish_model.py CHECKPOINT OUT.pth

Optimizer, schedulers and logs go; the name gets the first eight digits of the file's
SHA-256, OUT-xxxxxxxx.pth, which mmengine checks where it downloads. The config in it
has the paths of the machine that it ran on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.families import BadValue


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    parser.add_argument("checkpoint", metavar="CHECKPOINT")
    parser.add_argument("out", metavar="OUT.pth")
    options.add_trust(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.transfer.publish import publish

    if Path(args.out).suffix != ".pth":
        raise BadValue(f"{args.out} must end in .pth")
    path, before, after = publish(args.checkpoint, args.out, args.trust_checkpoint)
    print(f"{path}: {after / 1e6:.1f} MB of {before / 1e6:.1f} MB")


if __name__ == "__main__":
    run_tool(main)

"""Renames the weights of an exported backbone for another library, or back.

    convert_names.py EXPORT/weights.pth OUT.pth --to torchvision|timm|detectron2
    convert_names.py THEIRS.pth OUT.pth --from torchvision|timm|detectron2

OUT.pkl is what detectron2's own model zoo has. mmdet, mmseg, mmcls, mmpretrain and
mmselfsup use the names of exports.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool

_FRAMEWORKS = ("torchvision", "timm", "detectron2")


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    parser.add_argument("weights", metavar="IN")
    parser.add_argument("out", metavar="OUT")
    direction = parser.add_mutually_exclusive_group(required=True)
    direction.add_argument("--to", choices=_FRAMEWORKS)
    direction.add_argument("--from", dest="source", choices=_FRAMEWORKS)
    options.add_trust(parser)
    options.add_overwrite(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.runs import OutputFile
    from mmtaskssl.transfer.convert import convert_names, read_weights, write_weights

    OutputFile(Path(args.out)).check(args.overwrite)
    weights = read_weights(args.weights, args.trust_checkpoint)
    weights, left = convert_names(weights, args.to or args.source, args.to is None)
    write_weights(weights, args.out, args.overwrite)
    print(f"{args.out}: {len(weights)} weights, left out {len(left)}: {left[:5]}")


if __name__ == "__main__":
    run_tool(main)

"""Draws what a trained detector or segmentor finds, beside the annotations.

    draw_predictions.py CONFIG CKPT --out DIR [--number N] [--cfg-options KEY=VALUE ...]

The first N test images are drawn, annotations on the left and predictions on the
right; the last line says where. Nothing is measured: see tools/test.py.
"""

import argparse
from collections.abc import Sequence

from mmtaskssl.cli import kinds, options
from mmtaskssl.utils.errors import run_tool


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    options.add_network(parser)
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument(
        "--number", type=kinds.COUNT, default=8, help="of images (default: 8)"
    )
    options.add_max_pixels(parser)
    options.add_trust(parser)
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    from mmtaskssl.engine.draw import draw_predictions

    pictures = draw_predictions(
        *(args.config, args.checkpoint, args.out),
        number=args.number,
        cfg_options=args.cfg_options,
        trust=args.trust_checkpoint,
    )
    print(f"{len(pictures)} pictures: {pictures[0].parent}")


if __name__ == "__main__":
    run_tool(main)

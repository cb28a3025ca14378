"""Draws what a trained detector or segmentor finds, beside the annotations.

    draw_predictions.py CONFIG CKPT --out DIR [--number N] [--cfg-options KEY=VALUE ...]

The first N test images are drawn, annotations on the left and predictions on the
right; the last line says where. Nothing is measured: see tools/test.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option

_PICTURES = "*/vis_data/vis_image/*.png"


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--number", type=int, default=8, help="of images (default: 8)")
    add_pixel_option(parser)
    add_trust_option(parser)
    parser.add_argument(
        "--cfg-options", nargs="+", action=OptionsAction, metavar="KEY=VALUE"
    )
    args = parser.parse_args(argv)
    if args.number < 1:
        raise UserError(f"--number must be positive, not {args.number}")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.config import load_config
    from mmtaskssl.engine.run import test

    cfg = load_config(args.config, args.cfg_options)
    hook = (cfg.get("default_hooks") or {}).get("visualization")
    if hook is None or cfg.get("test_dataloader") is None:
        raise UserError(f"config {args.config} is of no detector or segmentor")
    hook.update(draw=True, interval=1)
    cfg.test_dataloader.dataset.indices = args.number
    cfg.test_evaluator = []  # a metric of a few images would mislead
    cfg.work_dir, cfg.launcher = args.out, "none"
    cfg.load_from, cfg.resume = args.checkpoint, False
    before = set(Path(args.out).glob(_PICTURES))
    try:
        test(cfg, trust=args.trust_checkpoint)
    except FileNotFoundError as error:  # generated images, for one
        raise UserError(
            f"{error.filename} does not exist, so nothing can be drawn on it"
        ) from error
    pictures = sorted(set(Path(args.out).glob(_PICTURES)) - before)
    if not pictures:
        raise UserError(f"config {args.config} draws nothing: see its vis_backends")
    print(f"{len(pictures)} pictures: {pictures[0].parent}")


if __name__ == "__main__":
    run_tool(main)

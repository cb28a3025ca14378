"""Draws what a trained detector or segmentor finds, beside the annotations.

    draw_predictions.py CONFIG CKPT --out DIR [--number N] [--cfg-options KEY=VALUE ...]

The pictures of the first N test images are in DIR/TIME/vis_data/vis_image.
"""

import argparse
from collections.abc import Sequence

from mmengine.config import DictAction

from mmtaskssl.utils.errors import UserError, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("checkpoint", metavar="CKPT")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--number", type=int, default=8, help="of images (default: 8)")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, metavar="KEY=VALUE"
    )
    args = parser.parse_args(argv)
    if args.number < 1:
        raise UserError(f"--number must be positive, not {args.number}")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.engine.config import load_config
    from mmtaskssl.engine.run import test

    cfg = load_config(args.config, args.cfg_options)
    hook = (cfg.get("default_hooks") or {}).get("visualization")
    if hook is None or cfg.get("test_dataloader") is None:
        raise UserError(f"config {args.config} is of no detector or segmentor")
    hook.update(draw=True, interval=1)
    cfg.test_dataloader.dataset.indices = args.number
    cfg.work_dir, cfg.launcher = args.out, "none"
    cfg.load_from, cfg.resume = args.checkpoint, False
    test(cfg)


if __name__ == "__main__":
    run_tool(main)

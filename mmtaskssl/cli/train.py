"""Trains a config of mmtaskssl, mmdet, mmseg or another OpenMMLab package."""

import argparse
import os
from collections.abc import Sequence

from . import options, plans
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_any_config(parser)
    parser.add_argument("--work-dir", help="folder for logs and checkpoints")
    parser.add_argument(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="CKPT",
        help="go on from this checkpoint, or from the newest whole one of the work dir",
    )
    parser.add_argument(
        "--resume-rescale",
        action="store_true",
        help="--resume with other processes or images a step: keep the schedule's "
        "number of images",
    )
    parser.add_argument(
        "--teacher",
        metavar="NETWORK",
        help="what a config with model.distill learns from: timm:NAME or "
        "torchvision:NAME, either with =FILE, hf:FOLDER, CONFIG=CHECKPOINT, the folder "
        "of an export or of a feature store, or 'start'",
    )
    parser.add_argument(
        "--weights",
        metavar="FROM",
        help="what the backbone starts from: a checkpoint of any layout, "
        "torchvision:NAME, timm:NAME, either with =FILE, or 'random'",
    )
    parser.add_argument(
        "--allow",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="keys of the backbone that --weights may lack, or hold alone",
    )
    options.add_edited_selection(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    parser.add_argument(
        "--amp",
        action="store_true",
        help="mixed precision: float16 on a GPU, bfloat16 on a CPU that has it",
    )
    parser.add_argument(
        "--auto-scale-lr",
        action="store_true",
        help="scale the learning rate with the batch size",
    )
    options.add_cfg_options(
        parser,
        "override parts of the config, for example images=/my/folder "
        "train_cfg.max_iters=1000 model.backbone.depth=34",
    )
    options.add_launcher(parser)
    options.add_local_rank(parser)
    plans.add_dry_run(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Trains, and says what came of it."""
    args = make_parser().parse_args(argv)
    if args.dry_run:
        say(plans.of_pretrain(args, argv).table())
        return
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    from ..engine.pretrain import pretrain

    trained = pretrain(
        args.config,
        teacher=args.teacher,
        weights=args.weights,
        allow=args.allow,
        edited_selection=args.edited_selection,
        work_dir=args.work_dir,
        resume=args.resume,
        resume_rescale=args.resume_rescale,
        amp=args.amp,
        auto_scale_lr=args.auto_scale_lr,
        cfg_options=args.cfg_options,
        launcher=args.launcher,
        trust=args.trust_checkpoint,
    )
    if trained.main:
        print(trained.table())

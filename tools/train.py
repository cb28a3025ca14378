"""Trains a config of mmtaskssl, mmdet, mmseg or another OpenMMLab package."""

import argparse
import os

from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option


def parse_args(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "config", help="path, or PACKAGE::PATH for a config inside a package"
    )
    parser.add_argument("--work-dir", help="folder for logs and checkpoints")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CKPT",
        help="go on from this checkpoint, or from the newest whole one of the work dir",
    )
    parser.add_argument(
        "--resume-rescale",
        action="store_true",
        help="--resume with other processes or images a step: keep the schedule's "
        "number of images",
    )
    add_pixel_option(parser)
    add_trust_option(parser)
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
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=OptionsAction,
        metavar="KEY=VALUE",
        help="override parts of the config, for example images=/my/folder "
        "train_cfg.max_iters=1000 model.backbone.depth=34",
    )
    parser.add_argument(
        "--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none"
    )
    # torch.distributed.launch passes it; torchrun sets LOCAL_RANK itself.
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    # After the arguments: these imports take seconds, --help should not.
    from mmtaskssl.config import default_work_dir, load_config
    from mmtaskssl.engine.checkpoints import place_of
    from mmtaskssl.engine.run import train, use_amp, use_auto_scale_lr

    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or default_work_dir(cfg, args.config)
    if args.amp:
        use_amp(cfg)
    if args.auto_scale_lr:
        use_auto_scale_lr(cfg)
    if args.resume_rescale:
        args.resume = args.resume or "auto"
        cfg.resume_rescale = True
    if args.resume is not None:
        if args.resume != "auto" and not os.path.isfile(args.resume):
            raise UserError(f"checkpoint {args.resume} does not exist")
        place = place_of(cfg)
        begun = place is None or place.has_begun()
        # Nothing to resume yet: weights that the config loads are where to begin.
        if args.resume != "auto" or begun or not cfg.get("load_from"):
            cfg.resume = True
            cfg.load_from = None if args.resume == "auto" else args.resume
    train(cfg, args.trust_checkpoint)


if __name__ == "__main__":
    run_tool(main)

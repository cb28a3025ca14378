"""Tests a checkpoint with its config's own evaluator (mmdet, mmseg, ...)."""

import argparse
import os

from mmtaskssl.utils.errors import UserError, run_tool
from mmtaskssl.utils.options import OptionsAction, add_pixel_option, add_trust_option


def parse_args(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "config", help="path, or PACKAGE::PATH for a config inside a package"
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--work-dir", help="folder for logs")
    parser.add_argument("--out", metavar="FILE.pkl", help="write the predictions here")
    add_pixel_option(parser)
    add_trust_option(parser)
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=OptionsAction,
        metavar="KEY=VALUE",
        help="override parts of the config",
    )
    parser.add_argument(
        "--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none"
    )
    # torch.distributed.launch passes it; torchrun sets LOCAL_RANK itself.
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    args = parser.parse_args(argv)
    if args.out and not args.out.endswith((".pkl", ".pickle")):
        raise UserError(f"--out {args.out} must end in .pkl or .pickle")
    return args


def main(argv=None):
    args = parse_args(argv)
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    # After the arguments: these imports take seconds, --help should not.
    from mmtaskssl.config import default_work_dir, load_config
    from mmtaskssl.engine.run import test

    cfg = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or default_work_dir(cfg, args.config)
    cfg.load_from = args.checkpoint
    cfg.resume = False
    test(cfg, dump=args.out, trust=args.trust_checkpoint)


if __name__ == "__main__":
    run_tool(main)

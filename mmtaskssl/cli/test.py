"""Tests a checkpoint with its config's own evaluator (mmdet, mmseg, ...)."""

import argparse
import os
from collections.abc import Sequence

from ..utils.families import BadValue
from . import options


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_any_config(parser)
    parser.add_argument("checkpoint")
    parser.add_argument("--work-dir", help="folder for logs")
    parser.add_argument("--out", metavar="FILE.pkl", help="write the predictions here")
    options.add_overwrite(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    options.add_cfg_options(parser, "override parts of the config")
    options.add_launcher(parser)
    options.add_local_rank(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Tests; the log has the metrics."""
    args = make_parser().parse_args(argv)
    if args.out and not args.out.endswith((".pkl", ".pickle")):
        raise BadValue(f"--out {args.out} must end in .pkl or .pickle")
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    from ..engine.tested import run_test

    run_test(
        args.config,
        args.checkpoint,
        work_dir=args.work_dir,
        predictions=args.out,
        overwrite=args.overwrite,
        cfg_options=args.cfg_options,
        launcher=args.launcher,
        trust=args.trust_checkpoint,
    )

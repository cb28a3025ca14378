"""`mmtaskssl customize` on built-in images, or on yours, in minutes.

    quickstart.py --out DIR                                   (built-in images)
    quickstart.py --out DIR --images POOL --target LABELLED   (yours)

The pool holds photographs, textures, scientific pictures, pages and handwritten digits;
the target is ten digits a class. Beside a network of ours, and public weights if they
are installed, short trainings say what the pool is worth for it. The same command
continues an interrupted run.
"""

import argparse
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from ..utils.families import OptionMissing
from . import kinds, options

# What serves at 32 px: small enough for minutes of one CPU core.
_BUDGET, _SCALE = "7M-12M", 0.2
_ARMS = ("start", "untrained", "generic", "continued", "distilled", "scratch")


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--images", metavar="POOL", help="folder of unlabelled images")
    parser.add_argument("--target", metavar="LABELLED", help="folder of CLASS/IMAGE")
    parser.add_argument(
        "--scale",
        type=kinds.POSITIVE,
        default=_SCALE,
        metavar="X",
        help=f"multiplies the length of every training (default {_SCALE})",
    )
    options.add_max_pixels(parser)
    options.add_no_images(parser)
    options.add_seed(parser, "everything that is drawn")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Customizes, or goes on with it."""
    args = make_parser().parse_args(argv)
    if bool(args.images) != bool(args.target):
        raise OptionMissing("name both --images POOL and --target LABELLED, or neither")
    begin, out = time.monotonic(), Path(args.out)

    def show(text: str) -> None:
        print(f"[{time.monotonic() - begin:4.0f} s] {text}", flush=True)

    from ..customize.customize import customize
    from ..quickstart import public_start, write_builtin

    pool, target = args.images, args.target
    if pool is None:
        pool, target = map(str, write_builtin(out / "images"))
    start, folder = public_start(), out / "customized"
    words = [
        *("--pool", pool, "--target", target, "--out", str(folder)),
        *(("--start", start) if start else ()),
        *("--budget", _BUDGET, "--scale", f"{args.scale:g}", "--arms", *_ARMS),
    ]
    show(f"mmtaskssl customize {shlex.join(words)}")
    done = customize(
        *(pool, target, folder),
        start=[start] if start else [],
        budget=_BUDGET,
        scale=args.scale,
        arms=_ARMS,
        seed=args.seed,
        thumbnails=args.thumbnails,
        log=show,
    )
    print(f"\n{done.table()}\n")
    print(f"look at     {done.out}/report.html")
    print(f"backbone    {done.backbone}")
    print(f"config      {done.config}")

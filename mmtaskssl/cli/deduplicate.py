"""Finds images of a pool that are copies of each other; one of each group stays.

deduplicate POOL --out DIR                   by pixels: mirrored, cropped, re-encoded
deduplicate POOL --out DIR --by bytes        files of the same content alone
deduplicate STORE --out DIR --by features    what a network takes for the same

POOL is images (a folder, tars, Parquet, a list) or a feature store of them, whose
features find more crops. Writes into DIR: kept.txt (one image id a line: a selection of
trainings), duplicates.csv (each image of a group, why it is there, and which one
stays) and summary.json.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from ..selection.duplicates.names import BY, KEEP
from ..utils.progress import ProgressLine
from . import kinds, options, plans
from .saying import say, say_complete


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("pool", metavar="POOL", help="images, or a feature store")
    options.add_out(parser, "the answer")
    parser.add_argument(
        "--by", choices=BY, default="pixels", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--threshold",
        type=kinds.number(-1, 1),
        metavar="AGREEMENT",
        help="of pixels or features, from which two images are copies (default: what "
        "known copies reach)",
    )
    parser.add_argument(
        "--keep",
        choices=KEEP,
        default=KEEP[0],
        help="which of a group stays: the one of most pixels, or the first (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--neighbours",
        type=kinds.COUNT,
        default=4,
        metavar="N",
        help="of each image that are looked at (default: %(default)s)",
    )
    options.add_pool_root(parser)
    options.add_max_pixels(parser)
    options.add_device(parser, "of the search")
    plans.add_dry_run(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Finds copies, or says that it is done already."""
    args = make_parser().parse_args(argv)
    if args.dry_run:
        say(plans.of_deduplicate(args, argv).table())
        return
    from ..runs import State
    from ..selection.duplicates.deduplicate import deduplicate
    from ..selection.duplicates.deduplicated import KEPT, work_of
    from ..selection.duplicates.pool import Pool, inputs_of_pool

    pool = Pool.open(args.pool, args.pool_root)
    inputs = inputs_of_pool(pool, args.by, args.threshold, args.keep, args.neighbours)
    if work_of(inputs).state(args.out, args.overwrite) is State.COMPLETE:
        say_complete(args.out)
        return
    found = deduplicate(
        pool,
        by=args.by,
        threshold=args.threshold,
        keep=args.keep,
        neighbours=args.neighbours,
        device=args.device,
        progress=ProgressLine,
    )
    found.save(args.out, overwrite=args.overwrite)
    say(found.table())
    kept = shlex.quote(str(Path(args.out, KEPT)))
    say(f"written: {args.out}")
    images = shlex.quote(args.pool if found.root == "" else found.root)
    say(
        f"next: mmtaskssl pretrain CONFIG --cfg-options images={images} "
        f"selection={kept}"
    )

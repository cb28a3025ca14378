"""Takes the images of a selection out of their pool, byte for byte.

take SELECTION --out DIR                                      as WebDataset's tars
take SELECTION --out DIR --form parquet                       as tables with their bytes
take LIST.txt --images POOL --out DIR --form folder           as files

SELECTION is a folder of `mmtaskssl select`, which says where the pool lies, or a text
file with one image id a line. DIR is a source of images for every verb and config
(`images=DIR`); DIR/taken.csv says of each image where it is from and why it was chosen.
The same command goes on after a kill.
"""

import argparse
import shlex
from collections.abc import Sequence

from ..selection.taking.names import FORMS
from ..utils.progress import ProgressLine
from . import kinds, options, plans
from .saying import say


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.add_argument("selection", metavar="SELECTION", help="a folder, or a list")
    options.add_out(parser, "the images")
    parser.add_argument(
        "--images", metavar="POOL", help="the pool (default: where the selection says)"
    )
    parser.add_argument(
        "--form", choices=FORMS, default=FORMS[0], help="(default: %(default)s)"
    )
    parser.add_argument(
        "--shard-size",
        type=kinds.COUNT,
        default=1000,
        metavar="MB",
        help="megabytes of images in one tar or table (default: %(default)s)",
    )
    options.add_edited_selection(parser)
    plans.add_dry_run(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Takes the images, or goes on with it."""
    args = make_parser().parse_args(argv)
    if args.dry_run:
        say(plans.of_take(args, argv).table())
        return
    from ..selection.taking.take import take

    line: list[ProgressLine] = []

    def show(done: int, total: int) -> None:
        if not line:
            line.append(ProgressLine("images", total))
        line[0](done)

    taken = take(
        args.selection,
        args.out,
        args.images,
        form=args.form,
        shard_bytes=args.shard_size * 10**6,
        edited_selection=args.edited_selection,
        overwrite=args.overwrite,
        progress=show,
    )
    say(taken.table())
    say(f"next: mmtaskssl pretrain CONFIG --cfg-options images={shlex.quote(args.out)}")

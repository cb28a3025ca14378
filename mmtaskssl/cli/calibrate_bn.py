"""Gives sub-nets of an elastic network batch-norm statistics of their own.

    calibrate_bn.py CONFIG CKPT --subnet NAME --images SRC
    calibrate_bn.py CONFIG CKPT --all --images SRC
    calibrate_bn.py CONFIG CKPT --all --clusters DIR   (paths of a routed network)

With --clusters, each path is calibrated on its own clusters (tools/cluster_data.py):
the last stage on the path's own, earlier stages on those of all paths with the same
beginning, so that routing can compute common beginnings once.

Writes CKPT's weights with the statistics to OUT (default: CKPT-calibrated.pth), for
evaluation and for export_subnet.py. Sub-nets that CKPT or OUT already have stay. A run
that was interrupted continues with the same command.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..export.options import Options
from ..utils.families import FileMissing
from . import kinds, options
from .saying import say_complete

# Flags by their names in `Options`.
_NAMES = (
    *("num_images", "batch_size", "image_size", "seed", "root", "alone"),
    *("source", "cfg_options", "device"),
)


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser)
    options.add_subnets(parser, "names, or anchors such as MIN")
    parser.add_argument(
        "--subnet-list", metavar="FILE", help="text file with one name a line, as well"
    )
    parser.add_argument(
        "--list", action=options.Renamed, const="--subnet-list", dest="subnet_list"
    )
    parser.add_argument(
        "--all", action="store_true", help="every sub-net of a space that can be listed"
    )
    options.add_images(parser)
    parser.add_argument(
        "--clusters", metavar="DIR", help="instead of --images: folder of clusters"
    )
    parser.add_argument(
        "--alone",
        action="store_true",
        help="with --clusters: all stages on the path's own cluster (slower routing)",
    )
    parser.add_argument(
        "--num-images",
        type=kinds.COUNT,
        help="default: 1024, or 256 of each cluster with --clusters",
    )
    options.add_batch_size(parser, Options.batch_size)
    options.add_image_size(parser)
    options.add_seed(parser, "the draw of images")
    options.add_source(parser)
    options.add_max_pixels(parser)
    options.add_trust(parser)
    options.add_device(parser)
    options.add_out(parser, "calibrated checkpoints", "FILE", required=False)
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Calibrates, and says what it wrote."""
    args = make_parser().parse_args(argv)
    names = [
        *(args.subnet or ()),
        *(_names_in(args.subnet_list) if args.subnet_list else ()),
    ]
    checkpoint = Path(args.checkpoint)
    out = args.out or checkpoint.with_name(f"{checkpoint.stem}-calibrated.pth")
    how = Options(trust=args.trust_checkpoint, **{n: getattr(args, n) for n in _NAMES})
    from ..export.calibrate import calibrate_to_file

    result, new = calibrate_to_file(
        *(out, (args.config, args.checkpoint), "all" if args.all else names),
        *(args.images, args.clusters, how),
        overwrite=args.overwrite,
    )
    if not new:
        say_complete(out)
    print(f"{out}: {result.table()}; use it in place of {args.checkpoint}")


def _names_in(path: str) -> list[str]:
    from ..utils.inputs import read_text

    if not Path(path).is_file():
        raise FileMissing(f"list of sub-nets {path} does not exist")
    return read_text(path).split()

"""Lists the sub-nets of a config with their MACs, parameters and latency."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import kinds, options


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    parser.epilog = (
        "MACs are multiply-accumulates of convolutions and linear layers of the\n"
        "backbone per image; batch norm, activations and pooling are not counted.\n"
        "Parameters are those of the exported plain network."
    )
    parser.add_argument("config", help="a training config, or one with only a `space`")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--subnet",
        nargs="+",
        metavar="NAME",
        help="anchors such as R50, or names such as s64-w64.128.256.512-d3.4.6.3 "
        "(default: all anchors)",
    )
    what.add_argument("--list", action="store_true", help="every sub-net of the space")
    what.add_argument(
        "--space-summary",
        action="store_true",
        help="how many sub-nets there are and how their costs are spread",
    )
    parser.add_argument(
        "--shape",
        nargs="+",
        type=kinds.COUNT,
        metavar="N",
        help="side of the image, or its height and width (default: the config's view "
        "size, 224 of a space alone)",
    )
    parser.add_argument(
        "--latency", action="store_true", help="time the plain network of each sub-net"
    )
    options.add_device(parser, "for --latency")
    options.add_batch_size(parser, 1)
    parser.add_argument("--repeats", type=kinds.COUNT, default=20, help="for --latency")
    parser.add_argument("--csv", metavar="OUT", help="write the table here, too")
    parser.add_argument("--plot", metavar="OUT", help="draw the space into this image")
    options.add_overwrite(parser)
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Lists, and writes what was asked for."""
    args = make_parser().parse_args(argv)
    from ..networks.cost_list import list_costs
    from ..runs import OutputFile

    if args.plot:
        OutputFile(Path(args.plot)).check(args.overwrite)

    shape: Any = args.shape and tuple(args.shape)
    if shape and len(shape) == 1:
        (shape,) = shape
    found = list_costs(
        args.config,
        args.subnet or ("all" if args.list else "anchors"),
        shape=shape,
        latency=args.latency,
        batch_size=args.batch_size,
        repeats=args.repeats,
        device=args.device,
        cfg_options=args.cfg_options,
    )
    print(found.summary() if args.space_summary else found.table())
    if args.csv:
        found.write_csv(args.csv)
    if args.plot:
        found.plot(args.plot, args.overwrite)

"""Exports sub-nets of a trained elastic network, or any other network, as it is.

    export_subnet.py CONFIG CKPT --subnet NAME --out DIR
    export_subnet.py CONFIG CKPT --all --out DIR
    export_subnet.py timm:NAME=FILE --out DIR

Each becomes a folder DIR/NAME with weights.pth (torch.load with weights_only=True),
meta.json, and config.py with a backbone for the hosts to inherit or to paste. Networks
of timm, torchvision and mmcls have no sub-nets, and need no --subnet.
"""

import argparse
from collections.abc import Sequence

from ..export.names import FORMATS
from . import options


def make_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = options.make_parser(__doc__)
    options.add_network(parser, brings_weights=True)
    options.add_subnets(parser)
    parser.add_argument(
        "--all",
        action="store_true",
        help="every sub-net of the space; of a large space, every calibrated one",
    )
    options.add_source(parser)
    options.add_trust(parser)
    options.add_out(parser, "exports")
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0])
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Exports, and says what."""
    args = make_parser().parse_args(argv)
    from ..export.export import export_to_folder

    export_to_folder(
        args.out,
        (args.config, args.checkpoint),
        "all" if args.all else args.subnet or (),
        overwrite=args.overwrite,
        file_format=args.format,
        source=args.source,
        trust=args.trust_checkpoint,
        cfg_options=args.cfg_options,
        log=print,
    )

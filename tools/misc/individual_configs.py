"""Writes the configs that train each network of a slimmable training alone.

    individual_configs.py CONFIG OUT [--subnets NAME ...] [--cfg-options K=V ...]

For every sub-net of CONFIG's search space, OUT gets a complete config of the plain
algorithm on the plain network, the rest as in CONFIG, to be trained by tools/train.py:
the control of every claim about a slimmed network.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("out", metavar="OUT", help="folder")
    parser.add_argument("--subnets", nargs="+", metavar="NAME", help="default: all")
    options.add_overwrite(parser)
    options.add_cfg_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmtaskssl.config import load_config
    from mmtaskssl.config.shown import ShownConfig
    from mmtaskssl.networks.alone import (
        individual_config,
        slimmable_network,
    )
    from mmtaskssl.runs import OutputFile
    from mmtaskssl.utils.atomic import write_text

    cfg = load_config(args.config, args.cfg_options)
    backbone = slimmable_network(cfg).elastic
    for subnet in args.subnets or backbone.space:
        name = backbone.resolve(subnet).name
        file = Path(args.out) / f"{Path(args.config).stem}_{name}.py"
        alone = ShownConfig.of(individual_config(cfg, subnet))
        text = f'"""{name} of {args.config} alone."""\n\n{alone.pretty_text}'
        if not (file.is_file() and file.read_text(encoding="utf-8") == text):
            with OutputFile(file).written(args.overwrite) as temporary:
                write_text(temporary, text)
        print(file)


if __name__ == "__main__":
    run_tool(main)

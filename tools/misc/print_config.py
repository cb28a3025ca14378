"""Prints a config with its bases merged and its options applied."""

import argparse
import contextlib
import sys
from collections.abc import Sequence

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool


def make_parser() -> argparse.ArgumentParser:
    parser = options.make_parser(__doc__)
    options.add_any_config(parser)
    options.add_cfg_options(parser, "override parts of the config")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    args = make_parser().parse_args(argv)
    from mmtaskssl.config import load_config
    from mmtaskssl.config.shown import ShownConfig

    # What is said of an export must not end up in `> config.py`.
    with contextlib.redirect_stdout(sys.stderr):
        cfg = load_config(args.config, args.cfg_options)
    print(ShownConfig.of(cfg).pretty_text)


if __name__ == "__main__":
    run_tool(main)

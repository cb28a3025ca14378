"""Prints a config with its bases merged and its options applied."""

import argparse
import contextlib
import sys

from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.options import OptionsAction


def parse_args(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "config", help="path, or PACKAGE::PATH for a config inside a package"
    )
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=OptionsAction,
        metavar="KEY=VALUE",
        help="override parts of the config",
    )
    return parser.parse_args(argv)


def main(argv=None):
    args = parse_args(argv)
    from mmtaskssl.config import load_config

    # What is said of an export must not end up in `> config.py`.
    with contextlib.redirect_stdout(sys.stderr):
        cfg = load_config(args.config, args.cfg_options)
    print(cfg.pretty_text)


if __name__ == "__main__":
    run_tool(main)

"""Memory of a GPU that configs' training steps take, computed without a GPU.

    memory_of_configs.py [CONFIG ...] [--check]

A line a config (default: every full one, and the small ones of 64 px): what a step
takes at its peak in one process, and what the config's docstring states. With --check
it ends with status 1 if a docstring states none or is more than 3 % off. See
mmtaskssl/engine/step_memory.py for what is counted.
"""

import argparse
import ast
import logging
from collections.abc import Sequence
from pathlib import Path

from mmtaskssl.cli import options
from mmtaskssl.utils.errors import run_tool
from mmtaskssl.utils.paths import resolve_config, resource_root


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", metavar="CONFIG")
    parser.add_argument(
        "--check", action="store_true", help="against what the docstrings state"
    )
    options.add_cfg_options(parser, "override parts of the configs")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    # Late, so that --help and wrong arguments answer at once.
    from mmengine.logging import MMLogger

    from mmtaskssl.config import load_config
    from mmtaskssl.engine.step_memory import (
        GIB,
        fits,
        processes_of,
        stated_memory,
        step_memory,
        with_memory_line,
    )

    MMLogger.get_current_instance().setLevel(logging.ERROR)
    root = resource_root("configs")
    paths = [Path(resolve_config(name)) for name in args.configs]
    wrong = 0
    for path in paths or with_memory_line(root):
        cfg = load_config(str(path), args.cfg_options)
        size = step_memory(cfg, processes_of(path))
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        stated = stated_memory(text)
        wrong += not fits(stated, size)
        said = "no line" if stated is None else f"{stated:.1f} GiB"
        print(f"{size / GIB:7.1f} GiB   stated {said:<10}  {path.stem}", flush=True)
    return int(args.check and wrong > 0)


if __name__ == "__main__":
    run_tool(main)

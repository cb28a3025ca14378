"""``python -m mmtaskssl.cli.cpus CONFIG ...``: the CPUs that a process needs.

tools/slurm_run.sh asks it, with the arguments of tools/train.py or tools/test.py.
"""

import argparse
from collections.abc import Sequence

from ..utils.errors import run_tool
from . import options


def main(argv: Sequence[str] | None = None) -> None:
    """Prints `cpus_per_process` of the config that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    options.add_any_config(parser)
    options.add_cfg_options(parser)
    args, _ = parser.parse_known_args(argv)
    # Late: it takes seconds, and wrong arguments should be answered at once.
    from ..config import load_config
    from ..engine.workers import cpus_per_process

    print(cpus_per_process(load_config(args.config, args.cfg_options)))


if __name__ == "__main__":
    run_tool(main)

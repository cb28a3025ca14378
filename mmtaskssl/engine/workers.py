"""``python -m mmtaskssl.engine.workers CONFIG ...``: the CPUs that a process needs.

tools/slurm_run.sh asks it, with the arguments of tools/train.py or tools/test.py.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from ..utils.errors import run_tool
from ..utils.options import OptionsAction

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")


def cpus_per_process(cfg: Mapping[str, Any]) -> int:
    """Returns how many CPUs one process of a training or test keeps busy.

    One for itself and one for each worker of its largest data loader: the loaders take
    turns.

    Args:
        cfg: A complete config.
    """
    loaders = [cfg.get(name) or {} for name in _LOADERS]
    return 1 + max(loader.get("num_workers", 0) for loader in loaders)


def main(argv: Sequence[str] | None = None) -> None:
    """Prints `cpus_per_process` of the config that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("config")
    parser.add_argument("--cfg-options", nargs="+", action=OptionsAction)
    args, _ = parser.parse_known_args(argv)
    # Late: it takes seconds, and wrong arguments should be answered at once.
    from ..config import load_config

    print(cpus_per_process(load_config(args.config, args.cfg_options)))


if __name__ == "__main__":
    run_tool(main)

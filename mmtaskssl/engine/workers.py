"""The CPUs that a process of a training needs."""

from collections.abc import Mapping
from typing import Any

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

"""How many processor cores this process may use."""

import os


def num_cores() -> int:
    """Returns the cores that the scheduler or the container leaves us, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

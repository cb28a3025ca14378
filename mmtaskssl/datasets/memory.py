"""How much memory this process may still take."""

import os
from pathlib import Path

#: A container's own limit and use (control groups version 2, then 1).
_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def available_memory() -> int:
    """Returns the bytes that can be taken without swapping or hitting a limit."""
    free = [_system_memory()]
    for limit, used in _CGROUPS:
        try:
            limit, used = Path(limit).read_text(), Path(used).read_text()
            free.append(int(limit) - int(used))
        except (OSError, ValueError):  # no such group, or the limit is "max"
            continue
    return max(0, min(free))


def _system_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass  # not Linux
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

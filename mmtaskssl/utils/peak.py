"""The most memory that this process has held."""

import resource
import sys
from pathlib import Path

import torch

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """Returns the peak of this process' memory, or of a GPU's where that is higher."""
    peak = _of_the_host()
    if not torch.cuda.is_available():
        return peak
    gpus = range(torch.cuda.device_count())
    return max(peak, *(torch.cuda.max_memory_allocated(i) for i in gpus))


def _of_the_host() -> int:
    if _STATUS.is_file():
        # Not getrusage: that knows the peak of the process which started this one, too.
        lines = _STATUS.read_text(encoding="utf-8").splitlines()
        found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
        if found:
            return found[0] * 1024
    # Kilobytes, but on macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

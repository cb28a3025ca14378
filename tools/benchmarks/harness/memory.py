"""Peak memory of a training step.

On CUDA by torch's allocator. On a CPU each case runs in a process of its own, and the
peak of its resident memory over that before the model was built is taken; large blocks
are mapped one by one there, so that what is freed leaves.
"""

import gc
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from mmtaskssl.utils.families import BadLaunch, StepFailed

from .bench import Bench, Setting

_MIB = 2**20
_STEPS = 3
_HERE = Path(__file__).resolve().parents[1]


def peak_memory(setting: Setting) -> float:
    """Returns the peak in MiB of some steps, with weights, teacher and optimizer state.

    Args:
        setting: Its sub-nets run in every step.

    Raises:
        UserError: A CPU's memory cannot be read here, or the step fails.
    """
    if setting.device != "cpu":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        _run(setting)
        return (torch.cuda.max_memory_allocated() - before) / _MIB
    result = subprocess.run(
        [sys.executable, "-m", __name__, json.dumps(asdict(setting))],
        env={
            **os.environ,
            "MALLOC_MMAP_THRESHOLD_": str(64 * 1024),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_HERE), *_paths()])),
        },
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise StepFailed(f"memory cannot be measured: {result.stderr.strip()[-300:]}")
    return float(result.stdout.splitlines()[-1])


def _paths() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _run(setting: Setting) -> None:
    bench = Bench(setting)
    for _ in range(_STEPS):
        bench.run(bench.subnets)


def _own_peak(options: str) -> float:
    """What the child process measures, in MiB."""
    before = resident("VmRSS")
    _run(Setting(**json.loads(options)))
    return resident("VmHWM") - before


def resident(field: str) -> float:
    """Returns a field of this process, such as its peak, VmHWM, in MiB."""
    # Not getrusage's ru_maxrss: it still knows the parent's peak after fork and exec.
    status = Path("/proc/self/status")
    if not status.exists():
        raise BadLaunch("memory on a CPU is read from Linux' /proc, which is not here")
    lines = (line.split() for line in status.read_text().splitlines())
    return next(int(words[1]) / 1024 for words in lines if words[0] == f"{field}:")


if __name__ == "__main__":
    sys.stdout.write(f"{_own_peak(sys.argv[1])}\n")

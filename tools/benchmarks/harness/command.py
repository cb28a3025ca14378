"""What a command takes, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtaskssl.utils.families import StepFailed

# A small process starts the command: the peak of memory that the system tells of a
# process knows that of the one which started it, too.
_WATCH = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
with open(sys.argv[1], "wb") as out, open(sys.argv[2], "wb") as err:
    status = subprocess.call(sys.argv[3:], stdout=out, stderr=err)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
cpu = used.ru_utime + used.ru_stime
print(json.dumps([status, time.perf_counter() - begin, cpu, peak]))
"""


@dataclass(frozen=True)
class Spent:
    """What a command took.

    Attributes:
        seconds: By the clock.
        cpu: Seconds of processors, those of processes that it started included.
        peak: Bytes of memory, of its largest process.
        said: What it printed.
    """

    seconds: float
    cpu: float
    peak: int
    said: str


def watched(command: Sequence[str], log: Path) -> Spent:
    """Runs a command, and measures it.

    Args:
        command: The program and its arguments.
        log: Receives what it writes to stderr; what it prints lies beside it.

    Raises:
        UserError: It failed.
    """
    out = log.with_suffix(".out")
    watch = [sys.executable, "-S", "-c", _WATCH, str(out), str(log), *command]
    found = subprocess.run(watch, stdout=subprocess.PIPE, text=True, check=True)
    status, seconds, cpu, peak = json.loads(found.stdout)
    if status:
        raise StepFailed(f"{' '.join(command[:4])} failed: {log}")
    return Spent(seconds, cpu, peak, out.read_text())

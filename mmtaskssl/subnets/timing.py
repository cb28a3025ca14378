"""How long a network takes on this machine."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..utils import checks


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that one call takes.

    Attributes:
        median: Median of the timed calls.
        low: Fastest timed call.
        high: Slowest timed call.
    """

    median: float
    low: float
    high: float


def measure_latency(
    call: Callable[[], object],
    repeats: int = 20,
    warmup: int = 5,
    synchronize: Callable[[], object] | None = None,
) -> Latency:
    """Times a call on this machine.

    Args:
        call: Runs the network once, without arguments.
        repeats: Timed calls.
        warmup: Calls before those, which are not timed.
        synchronize: Waits for the device; on a GPU ``torch.cuda.synchronize``.
    """
    checks.function("call", call)
    checks.whole("repeats", repeats)
    wait = synchronize or (lambda: None)
    for _ in range(warmup):
        call()
    times = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        times.append(time.perf_counter() - start)
    return Latency(statistics.median(times), min(times), max(times))

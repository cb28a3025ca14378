"""Clocks, and rounds in which everyone has a turn."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch


class Clock:
    """Seconds of this process on a CPU; of the wall, synchronised, on a GPU.

    Waiting for others does not count on a CPU, so that a busy machine does not either.

    Args:
        device: That computes.
        wall: Of the wall on a CPU, too.
    """

    def __init__(self, device: str | torch.device = "cpu", wall: bool = False) -> None:
        self.device = torch.device(device)
        cpu = self.device.type == "cpu"
        self._wait = None if cpu else torch.cuda.synchronize
        self._read = time.process_time if cpu and not wall else time.perf_counter

    def now(self) -> float:
        """Returns the seconds since any moment, once the device has caught up."""
        if self._wait:
            self._wait(self.device)
        return self._read()

    def timed(self, call: Callable[[], Any]) -> tuple[float, Any]:
        """Returns how long a call takes, and its result."""
        begin = self.now()
        result = call()
        return self.now() - begin, result

    def seconds(self, call: Callable[[], Any]) -> float:
        """Returns how long a call takes."""
        return self.timed(call)[0]


def in_turns(
    calls: Mapping[str, Callable[[], Any]],
    rounds: int,
    clock: Clock,
    warm_up: int = 1,
    rotate: bool = False,
) -> dict[str, list[float]]:
    """Returns the seconds of each call in every round.

    A round has all calls, so that ratios within it do not depend on what else the
    machine does.

    Args:
        calls: By name.
        rounds: That count.
        clock: Of the device that computes.
        warm_up: Rounds before them.
        rotate: Whether another one begins each round: the first may find colder caches.
    """
    names, found = [*calls], {name: [] for name in calls}
    for number in range(warm_up + rounds):
        first = number % len(names) if rotate else 0
        for name in names[first:] + names[:first]:
            spent = clock.seconds(calls[name])
            if number >= warm_up:
                found[name].append(spent)
    return found

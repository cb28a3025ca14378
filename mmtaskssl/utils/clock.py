"""Where the time of a piece of work went."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Adds up seconds by part of the work.

    Attributes:
        spent: Seconds by part, in the order of first use.
    """

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Counts the time inside for a part; parts may lie in each other."""
        begin = time.perf_counter()
        yield
        spent = time.perf_counter() - begin
        self.spent[name] = self.spent.get(name, 0.0) + spent

    def seconds(self, digits: int = 3) -> dict[str, float]:
        """Returns the seconds by part, rounded."""
        return {name: round(value, digits) for name, value in self.spent.items()}

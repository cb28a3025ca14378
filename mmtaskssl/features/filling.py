"""How far the filling of a store is, by however many processes."""

import datetime
import time
from collections.abc import Callable, Collection, Sequence

from .writer import FeatureStoreWriter

Log = Callable[[str], None]


class Progress:
    """Says at most every ten seconds how far the work of all processes is.

    Args:
        writer: The store.
        shards: Those that are missing as it begins.
        log: Takes the lines; None: nobody does.
        every: Seconds between two lines.
    """

    def __init__(
        self,
        writer: FeatureStoreWriter,
        shards: Sequence[int],
        log: Log | None,
        every: float = 10.0,
    ) -> None:
        self.writer, self.log, self.every = writer, log, every
        self.shards = {*shards}
        self.total = self._rows(self.shards)
        self.begin = self.said = time.perf_counter()

    def _rows(self, shards: Collection[int]) -> int:
        return sum(b - a for a, b in map(self.writer.shard_range, shards))

    def say(self, partly: int) -> None:
        """Says it, if it is time to.

        Args:
            partly: Rows of the shard that this process is at.
        """
        if self.log is None or time.perf_counter() - self.said < self.every:
            return
        self.said = time.perf_counter()
        missing = self.shards.intersection(self.writer.missing_shards())
        done = self.total - self._rows(missing) + partly
        rate = done / max(self.said - self.begin, 1e-9)
        left = spelled((self.total - done) / rate) if done else "unknown yet"
        self._say(done, rate, left)

    def end(self) -> None:
        """Says that all is done, if anything was to do."""
        if self.log is not None and self.total:
            rate = self.total / max(time.perf_counter() - self.begin, 1e-9)
            self._say(self.total, rate, spelled(0))

    def _say(self, done: int, rate: float, left: str) -> None:
        if self.log is not None:
            self.log(
                f"{done:,}/{self.total:,} images, {rate:,.0f} images/s, ETA {left}"
            )


def spelled(seconds: float) -> str:
    """Writes a time as hours, minutes and seconds."""
    return str(datetime.timedelta(seconds=round(seconds)))

"""How far a long pass over many items is."""

import sys
import time


class ProgressLine:
    """Shows how far a pass is, on stderr, at most twice a second.

    Args:
        title: Of the pass.
        total: Its items.
    """

    def __init__(self, title: str, total: int):
        self.title, self.total = title, total
        self.begin = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()
        self.before = 0

    def __call__(self, done: int) -> None:
        """Takes the number of items done so far."""
        now = time.monotonic()
        if done < self.before:  # another pass
            self.begin = now
        self.before = done
        if now - self.shown < (0.5 if self.live else 10):
            return
        self.shown = now
        left = (now - self.begin) * (self.total - done) / done
        line = f"{self.title:<10} {done / self.total:4.0%}  {left:.0f} s left"
        end = "\r" if self.live else "\n"
        sys.stderr.write(f"{line:<40}{end}")
        sys.stderr.flush()

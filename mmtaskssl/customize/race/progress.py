"""How far trainings are that run elsewhere, from the logs that they write."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ...utils.inputs import parse_json
from ...utils.units import duration

#: Seconds between two looks at a training's log.
EVERY = 20.0
# Of a training, what it must have gone on by before that is told.
_PART = 0.1


@contextlib.contextmanager
def progress_told(
    folder: Path,
    name: str,
    iters: int,
    show: Callable[[str], None],
    every: float = EVERY,
) -> Iterator[None]:
    """Tells how far a training is, and how long it still takes, while it runs.

    Every tenth of it; of one that takes less than a look at its log, nothing.

    Args:
        folder: Its work folder, wherever it runs.
        name: Whose it is.
        iters: Its length.
        show: Takes a line.
        every: Seconds between two looks.
    """
    ended = threading.Event()
    before = reached(folder)[0]  # by a run that was killed

    def watch() -> None:
        told = before
        while not ended.wait(every):
            done, seconds = reached(folder)
            if done < iters and done - told >= _PART * iters:
                told = done
                left = duration((iters - done) * seconds)
                show(f"{name}: {done:,} of {iters:,} iterations, {left} left")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def reached(folder: Path) -> tuple[int, float]:
    """Returns the iteration that a training has logged last, and seconds of a step.

    Args:
        folder: Its work folder; without a log, or with one that is being written, the
            last whole line counts, or (0, 0.0).
    """
    logs = sorted(folder.glob("*/vis_data/scalars.json"))
    try:
        lines = logs[-1].read_text(encoding="utf-8").splitlines() if logs else []
    except OSError:  # given up by a run that begins again
        return 0, 0.0
    for line in reversed(lines):
        try:
            row = parse_json(line)
            return int(row["iter"]), float(row["time"])
        except (ValueError, KeyError, TypeError):  # cut short, or of an evaluation
            continue
    return 0, 0.0

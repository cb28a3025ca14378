"""What a command takes, by running it on a small and a larger part of its work."""

import argparse
import contextlib
import dataclasses
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_RUNS = "runs.json"
_TRIED = False


@dataclasses.dataclass(frozen=True)
class Trial:
    """What two runs of a command took, and what one of another size would.

    Attributes:
        sizes: Of their work, the smaller one first.
        first: Seconds of the smaller one, with the start of a process and all imports.
        seconds: Of each, without.
        bytes: Peak of the process after each.
        disk: Bytes that each has written, but for pages.
        pages: Bytes of the pages of the larger one: they show as many images, however
            many there are.
        out: What the larger one has written, as long as it is there.
    """

    sizes: tuple[int, int]
    first: float
    seconds: tuple[float, float]
    bytes: tuple[int, int]
    disk: tuple[int, int]
    pages: int = 0
    out: Path = Path()

    def time(self, size: int) -> float:
        """Returns the seconds of a run, from the start of its process."""
        return self.first + self._more(self.seconds, size - self.sizes[0])

    def memory(self, size: int) -> int:
        """Returns the peak of a run's process."""
        return round(self.bytes[1] + self._more(self.bytes, size - self.sizes[1]))

    def written(self, size: int) -> int:
        """Returns the bytes that a run writes."""
        lists = self.disk[1] + self._more(self.disk, size - self.sizes[1])
        return round(lists) + self.pages

    def _more(self, found: tuple[float, float], work: int) -> float:
        small, large = self.sizes
        return max(0.0, found[1] - found[0]) / max(1, large - small) * work


def is_running() -> bool:
    """Whether this process is one of a trial, which must not begin another."""
    return _TRIED


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yields a folder for the runs of a trial, which goes with all that is in it."""
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-plan-") as name:
        yield Path(name)


def run(
    command: str,
    sizes: tuple[int, int],
    part: Callable[[int, Path], Sequence[str]],
    place: Path,
) -> Trial:
    """Runs a command on parts of its work, in a process of its own.

    Args:
        command: The module of this package.
        sizes: Of the parts.
        part: Returns the arguments for a part of a size that writes into a folder.
        place: Receives all that the runs leave.

    Raises:
        UserError: A run failed; its own sentence.
    """
    from ..utils.apart import call_apart
    from ..utils.inputs import read_json
    from ..utils.steps import failure

    outs = [place / f"out-{number}" for number in range(3)]
    # The first run is of the small part, too: it finds nothing imported yet.
    todo = [
        [*part(size, out)] for size, out in zip((sizes[0], *sizes), outs, strict=True)
    ]
    log = place / "log"
    arguments = (command, todo, str(place / _RUNS), time.time())
    if call_apart(run_all, arguments, {}, log):
        raise failure("a small part of it cannot be run", log, named=False)
    runs = read_json(place / _RUNS)
    return Trial(
        sizes,
        runs[0][0],
        (runs[1][0], runs[2][0]),
        (runs[1][1], runs[2][1]),
        (_size(outs[1]), _size(outs[2])),
        _size(outs[2], pages=True),
        outs[2],
    )


def run_all(
    command: str, todo: Sequence[Sequence[str]], out: str, begun: float
) -> None:
    """Runs a command with one command line after another, and writes what each took.

    Args:
        command: The module of this package.
        todo: The arguments of each run.
        out: Receives seconds and peak bytes of each.
        begun: When the process was started, of `time.time`; counted for the first.
    """
    from ..utils.atomic import write_json

    global _TRIED
    _TRIED = True
    found = []
    try:
        for argv in todo:
            sys.argv[0] = f"mmtaskssl {command}"
            importlib.import_module(f"{__package__}.{command}").main(argv)
            ended = time.time()
            from ..utils.peak import peak_bytes

            found.append([ended - begun, peak_bytes()])
            begun = time.time()
    finally:
        _TRIED = False
    write_json(out, found)


def _size(out: Path, pages: bool = False) -> int:
    files = [file for file in [out, *out.rglob("*")] if file.is_file()]
    return sum(f.stat().st_size for f in files if (f.suffix == ".html") is pages)


def added(argv: Sequence[str], *more: str) -> list[str]:
    """Returns a command line with more options, before what ``--`` keeps apart."""
    at = [*argv].index("--") if "--" in argv else len(argv)
    return [*argv[:at], *more, *argv[at:]]


def replaced(
    argv: Sequence[str], parser: argparse.ArgumentParser, dest: str, new: str
) -> list[str]:
    """Returns a command line with another value of a positional argument.

    Args:
        argv: The command line.
        parser: Of the command.
        dest: Of the argument.
        new: Its value; no other word of the command line.
    """
    old = getattr(parser.parse_args([*argv]), dest)
    for at in (at for at, word in enumerate(argv) if word == old):
        found = [*argv[:at], new, *argv[at + 1 :]]
        if getattr(parser.parse_args(found), dest) == new:
            return found
    raise AssertionError(f"{old} is no word of {argv}")

"""What every study is made of: arms x seeds x targets, each figure found once."""

import argparse
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mmtaskssl.cli import options
from mmtaskssl.utils import inputs
from mmtaskssl.utils.atomic import write_json, write_text
from mmtaskssl.utils.families import OutTaken
from mmtaskssl.utils.steps import Steps

#: Of every process that is timed, or that runs beside others.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

Cell = Callable[[], object]
"""Finds some figures, unless they are there."""


class Study(ABC):
    """A working directory, and what fills it, figure by figure.

    Each figure is a file, so that an interrupted study goes on where it was.

    Args:
        out: The working directory.
        seeds: Number of repetitions.
    """

    #: Added to the environment of every tool.
    env: Mapping[str, str] = {}

    def __init__(self, out: str | Path, seeds: int = 1) -> None:
        self.out, self.seeds = Path(out), seeds
        self._computed = 0

    @cached_property
    def steps(self) -> Steps:
        """Runs tools, each in a process of its own."""
        return Steps(self.out / "logs", self.show, self.env)

    @abstractmethod
    def cells(self) -> Iterable[Cell]:
        """Returns what is to be found, in an order in which it can be."""

    @abstractmethod
    def tables(self) -> str:
        """Returns Markdown of what has been found; what has not is left open."""

    def run(self) -> None:
        """Fills every cell, and writes ``tables.md`` after each that was not full.

        Raises:
            UserError: A tool failed, or the folder holds results of another study.
        """
        cells, begin, filled = [*self.cells()], time.monotonic(), 0
        for number, cell in enumerate(cells, 1):
            before, start = self._work(), time.monotonic()
            cell()
            if self._work() == before:
                begin += time.monotonic() - start  # full: says nothing of the rest
                continue
            filled += 1
            self.write_tables()
            if left := len(cells) - number:
                hours = (time.monotonic() - begin) / filled * left / 3600
                self.show(f"{number}/{len(cells)}, {_duration(hours)} to go at most")
        self.write_tables()

    def _work(self) -> int:
        return self._computed + len(self.steps.seconds)

    def write_tables(self) -> None:
        """Writes ``tables.md``."""
        write_text(self.out / "tables.md", self.tables())

    def show(self, text: str) -> None:
        """Shows a line of progress."""
        print(text, flush=True)

    def seed_folder(self, seed: int, *parts: str) -> Path:
        """Returns the folder of a repetition, or what is in it."""
        return self.out.joinpath(f"seed{seed}", *parts)

    def kept(self, file: Path, name: str, make: Callable[[], Any]) -> Any:
        """Returns what a file holds; makes, writes and reports it if there is none.

        Args:
            file: JSON.
            name: Of the figures, for the line of progress.
            make: Returns the figures, JSON-ready.
        """
        self.made(name, file.exists, lambda: write_json(file, make()))
        return read_json(file)

    def made(
        self, name: str, done: Callable[[], bool], make: Callable[[], object]
    ) -> None:
        """Makes something unless it is there, and reports it.

        Args:
            name: For the line of progress.
            done: Whether it is there.
            make: Makes it.
        """
        if not done():
            begin = time.monotonic()
            make()
            self._computed += 1
            self.show(f"{name}: {time.monotonic() - begin:.0f} s")

    def keep(self, file: Path, figures: Any) -> None:
        """Writes figures that were found now."""
        write_json(file, figures)
        self._computed += 1

    def claim(
        self,
        file: Path,
        settings: Any,
        help: str,
        words: Callable[[Any], str] = str,
    ) -> None:
        """Marks a folder as that of some settings.

        Args:
            file: In the folder; holds them.
            settings: JSON-ready.
            help: What to do if it holds results of others.
            words: Says settings in words.

        Raises:
            UserError: It does.
        """
        before = read_json(file)
        if before is None:
            write_json(file, settings)
        elif before != settings:
            raise OutTaken(
                f"{file.parent} holds results of {words(before)}, not of "
                f"{words(settings)}: {help}"
            )


def read_json(file: Path) -> Any:
    """Returns what was found before; None if nothing was."""
    return inputs.read_json(file) if file.exists() else None


def study_parser(text: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """Returns the command line that studies have in common.

    Args:
        text: Of ``--help``.
        **defaults: Of the options; without ``data`` it must be given.
    """
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    needed = not defaults.get("data")
    parser.add_argument("--data", required=needed, metavar="DIR")
    parser.add_argument("--work-dir", required=True, metavar="OUT")
    options.add_max_pixels(parser)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--tables-only", action="store_true", help="run nothing")
    parser.set_defaults(**{"seeds": 3, **defaults})
    return parser


def conduct(study: Study, tables_only: bool) -> None:
    """Runs a study, or not, and prints its tables."""
    if not tables_only:
        study.run()
    print(study.tables())


def _duration(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"

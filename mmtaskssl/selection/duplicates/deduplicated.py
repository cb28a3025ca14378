"""A pool without its copies."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...report.result import Result
from ...runs import Work
from ...utils.atomic import write_json, write_text
from ..output import write_csv

KEPT, DUPLICATES, SUMMARY = "kept.txt", "duplicates.csv", "summary.json"
KIND = "deduplicated pool"
FILES = (KEPT, DUPLICATES, SUMMARY)


@dataclasses.dataclass(frozen=True)
class Copy:
    """Two images of a pool that show the same.

    Attributes:
        first: Row of one.
        second: Row of the other, the higher one.
        how: "bytes", "pixels" or "features".
        agreement: Of pixels or features, -1 to 1; of equal bytes 1.
        transform: What was done to one, as far as it can be guessed.
    """

    first: int
    second: int
    how: str
    agreement: float
    transform: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Deduplicated(Result):
    """A pool of which one image of each group of copies stays.

    It is a source of images for any verb: those that stay.

    Attributes:
        root: Folder of the images.
        all_ids: Of the whole pool.
        groups: Rows of each group of copies.
        kept: Row of each group that stays.
        copies: The pairs that make the groups.
        facts: How they were found, JSON-ready.
        inputs: What it depends on, JSON-ready.
        absent: Ids that were removed from the pool before.
    """

    root: str
    all_ids: Sequence[str] = dataclasses.field(repr=False)
    groups: Sequence[np.ndarray] = dataclasses.field(repr=False)
    kept: Sequence[int] = dataclasses.field(repr=False)
    copies: Sequence[Copy] = dataclasses.field(repr=False)
    facts: Mapping[str, Any] = dataclasses.field(repr=False)
    inputs: Mapping[str, Any] = dataclasses.field(repr=False)
    absent: frozenset[str] = dataclasses.field(default=frozenset(), repr=False)

    @property
    def removed(self) -> dict[str, str]:
        """Id of each image that goes, and of the one that stays for it."""
        ids = self.all_ids
        return {
            ids[row]: ids[kept]
            for group, kept in zip(self.groups, self.kept, strict=True)
            for row in group.tolist()
            if row != kept
        }

    @property
    def image_ids(self) -> list[str]:
        """Ids of the images that stay, in the pool's order."""
        gone = {*self.removed, *self.absent}
        return [image for image in self.all_ids if image not in gone]

    @property
    def _present(self) -> int:
        return len(self.all_ids) - len(self.absent)

    def table(self) -> str:
        """Returns the main figures, a line each."""
        gone = len(self.removed)
        how = {
            name: sum(copy.how == name for copy in self.copies)
            for name in ("bytes", "pixels", "features")
        }
        told = ", ".join(f"{n:,} by {name}" for name, n in how.items() if n)
        largest = max((len(group) for group in self.groups), default=0)
        lines = [
            f"{self._present:,} images, {self._present - gone:,} stay, "
            f"{gone:,} are copies",
        ]
        if self.groups:
            lines.append(
                f"{len(self.groups):,} groups, the largest of {largest:,}; pairs: "
                + told
            )
        return "\n".join([*lines, *(str(note) for note in self.facts["notes"])])

    def to_dict(self) -> dict[str, Any]:
        """Returns figures and groups, JSON-ready."""
        ids = self.all_ids
        return {
            **self.facts,
            "images": self._present,
            "kept": self._present - len(self.removed),
            "groups": [[ids[row] for row in group.tolist()] for group in self.groups],
        }

    def save(self, folder: str | os.PathLike, overwrite: bool = False) -> Path:
        """Writes kept.txt (a selection), duplicates.csv and summary.json.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.

        Raises:
            UserError: See `Result.save`.
        """
        work = work_of(self.inputs)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            write_text(temporary / KEPT, "".join(f"{i}\n" for i in self.image_ids))
            write_csv(temporary / DUPLICATES, self._lines())
            summary = self.to_dict()
            del summary["groups"]
            write_json(temporary / SUMMARY, summary)
        return Path(folder)

    def _lines(self) -> list[tuple[Any, ...]]:
        """Returns a line for each image of a group: why it is there, and what stays."""
        best: dict[int, Copy] = {}
        for copy in sorted(self.copies, key=lambda copy: -copy.agreement):
            best.setdefault(copy.first, copy)
            best.setdefault(copy.second, copy)
        head = ("image", "stays", "kept", "match", "how", "agreement", "transform")
        lines: list[tuple[Any, ...]] = [head]
        for group, kept in zip(self.groups, self.kept, strict=True):
            for row in group.tolist():
                copy = best[row]
                other = copy.second if copy.first == row else copy.first
                lines.append(
                    (
                        *(self.all_ids[row], "yes" if row == kept else "no"),
                        *(self.all_ids[kept], self.all_ids[other], copy.how),
                        *(f"{copy.agreement:.4f}", copy.transform),
                    )
                )
        return lines


def work_of(inputs: Mapping[str, Any]) -> Work:
    """Returns the record of what is made from some inputs."""
    return Work(KIND, 1, inputs, FILES, "a deduplicated pool")

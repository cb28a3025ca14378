"""The file of scores: a header, then one JSON object a line, appended as they come."""

import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..runs import check_version
from ..utils.atomic import atomic_path
from ..utils.families import OutForeign
from ..utils.inputs import open_text, parse_json
from .noise import DRAWS

RESULTS = "results.jsonl"
_FORMAT, _VERSION = "mmtaskssl search", 1
_PART = "{name}.part{rank}"

Row = dict[str, Any]
Key = tuple[str, str]
# Means of the same numbers, summed in another order, differ by less.
_ROUNDING = 1e-5


class ResultsFile:
    """Scores of one checkpoint on one set of images.

    A run that is killed loses at most the line that it was writing; a line that is no
    score, because it was damaged, is left out and scored again. Several processes write
    a part each, which `merge` puts together in the order of their ranks. Whether the
    scores are of the same checkpoint and images is a question to the folder's
    record, see `output.work_of`.

    Args:
        path: The ``.jsonl`` file.
        identity: What the scores depend on, for the header.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.identity = identity

    def prepare(self) -> None:
        """Makes the file, or mends the last line of the one that exists.

        To be called in one process, before the others read.

        Raises:
            UserError: It is no such file, or a newer version's.
        """
        if not self.path.exists():
            header = {"format": f"{_FORMAT} {_VERSION}", **self.identity}
            with atomic_path(self.path) as temporary:
                temporary.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return
        read_header(self.path)
        self.merge()

    def rows(self) -> dict[Key, Row]:
        """Returns the rows by sub-net and metric."""
        lines = self._lines(self.path)
        next(lines, None)
        return _by_key(lines)

    def append(self, rows: Sequence[Row], rank: int | None = None) -> None:
        """Adds rows and sees them to the disk.

        Args:
            rows: With ``subnet`` and ``metric``.
            rank: Of this process among several; None: it is alone.
        """
        path = self.path if rank is None else self._part(rank)
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())

    def merge(self) -> None:
        """Adds all parts to the file, once each row, and drops broken lines."""
        parts = sorted(
            self.path.parent.glob(_PART.format(name=self.path.name, rank="*")),
            key=lambda part: int(part.suffix.removeprefix(".part")),
        )
        lines = list(self._lines(self.path))
        rows = _by_key(lines[1:])
        for part in parts:
            for key, row in _by_key(self._lines(part)).items():
                rows.setdefault(key, row)
        with atomic_path(self.path) as temporary:
            text = "".join(
                json.dumps(line) + "\n" for line in (lines[0], *rows.values())
            )
            temporary.write_text(text, encoding="utf-8")
        for part in parts:
            part.unlink()

    def _part(self, rank: int) -> Path:
        return self.path.with_name(_PART.format(name=self.path.name, rank=rank))

    @staticmethod
    def _lines(path: Path) -> Iterator[Row]:
        with open_text(path, errors="replace") as file:
            for line in file:
                # Only a kill in the middle of a write leaves a line without its end.
                value = _parse(line)
                if value is not None:
                    yield value


def read_header(path: str | Path) -> dict[str, Any]:
    """Returns what the scores of a file depend on.

    Raises:
        UserError: It is no file of scores, or a newer version's.
    """
    with open_text(path, errors="replace") as file:
        header = _parse(file.readline()) or {}
    found = re.fullmatch(rf"{_FORMAT} (\d+)", str(header.pop("format", "")), re.ASCII)
    if found is None:
        raise OutForeign(
            f"{path} is not a file of search results; choose another folder"
        )
    check_version(int(found[1]), _VERSION, str(path))
    return header


def _by_key(lines: Iterable[Row]) -> dict[Key, Row]:
    return {(row["subnet"], row["metric"]): row for row in lines if _is_score(row)}


def _is_score(row: Row) -> bool:
    """Whether a row's numbers are finite, and its value lies within its interval."""
    value, costs = row.get("similarity"), [row.get("macs", 0), row.get("params", 0)]
    low, high = ci if _are_numbers(ci := row.get("ci", [value] * 2), 2) else (1, 0)
    draws = row.get(DRAWS, [])  # version 0.1 has none
    if not isinstance(draws, list) or not _are_numbers(draws, len(draws)):
        return False
    names = all(isinstance(row.get(key), str) for key in ("subnet", "metric"))
    if not names or not _are_numbers([value, *costs], 3) or min(costs) < 0:
        return False
    return low - _ROUNDING <= value <= high + _ROUNDING


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(type(v) in (int, float) and math.isfinite(v) for v in values)
    )


def _parse(line: str) -> Row | None:
    try:
        value = parse_json(line) if line.endswith("\n") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

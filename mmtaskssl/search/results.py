"""The file of scores: a header, then one JSON object a line, appended as they come."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import atomic_path
from ..utils.errors import UserError
from ..utils.inputs import open_text, parse_json

_FORMAT = "mmtaskssl search 1"
_PART = "{name}.part{rank}"

Row = dict[str, Any]
Key = tuple[str, str]


class ResultsFile:
    """Scores of one checkpoint on one set of images.

    A run that is killed loses at most the line that it was writing. Several processes
    write a part each, which `merge` puts together in the order of their ranks.

    Args:
        path: The ``.jsonl`` file.
        identity: What the scores depend on; ``checkpoint_sha256`` and ``checkpoint``
            (its name) are among it.
    """

    def __init__(self, path: str | Path, identity: Mapping[str, Any]) -> None:
        self.path = Path(path)
        # As it will be read back, without tuples.
        self.identity = json.loads(json.dumps(identity))

    def prepare(self) -> None:
        """Makes the file, or checks the one that exists and mends its last line.

        To be called in one process, before the others read.

        Raises:
            UserError: It holds scores of something else, or is no such file.
        """
        self.check()
        if not self.path.exists():
            header = {"format": _FORMAT, **self.identity}
            with atomic_path(self.path) as temporary:
                temporary.write_text(json.dumps(header) + "\n", encoding="utf-8")
            return
        self.merge()

    def check(self) -> None:
        """Checks the file, if there is one; see `prepare`."""
        if not self.path.exists():
            return
        with open_text(self.path, errors="replace") as file:
            header = _parse(file.readline())
        if header is None or header.pop("format", None) != _FORMAT:
            raise UserError(
                f"{self.path} is not a file of search results; choose another --out"
            )
        if header.get("checkpoint_sha256") != self.identity["checkpoint_sha256"]:
            raise UserError(
                f"{self.path} holds scores of another checkpoint "
                f"({header.get('checkpoint')}); choose another --out"
            )
        header["checkpoint"] = self.identity["checkpoint"]  # a copy may be renamed
        different = sorted(
            key
            for key in header.keys() | self.identity.keys()
            if header.get(key) != self.identity.get(key)
        )
        if different:
            raise UserError(
                f"{self.path} holds scores of this checkpoint with other "
                f"{', '.join(different)}; choose another --out"
            )

    def rows(self) -> dict[Key, Row]:
        """Returns the rows by sub-net and metric."""
        lines = self._lines(self.path)
        next(lines, None)
        return {(row["subnet"], row["metric"]): row for row in lines}

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
        rows = {(row["subnet"], row["metric"]): row for row in lines[1:]}
        for part in parts:
            for row in self._lines(part):
                rows.setdefault((row["subnet"], row["metric"]), row)
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


def _parse(line: str) -> Row | None:
    try:
        value = parse_json(line) if line.endswith("\n") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

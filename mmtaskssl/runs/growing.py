"""A folder that is filled part by part."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .record import Record

if TYPE_CHECKING:
    from .work import Work


@dataclasses.dataclass(frozen=True)
class Growing:
    """A folder that is being filled.

    Attributes:
        work: What fills it.
        path: The folder.
    """

    work: Work
    path: Path

    def claim(self, name: str) -> None:
        """Lists a file, or a folder (with a ``/`` at its end), before it is written.

        Raises:
            UserError: It stands there already, and is somebody else's.
        """
        record = Record.read(self.path)
        begun = [] if record is None else [*record.begun]
        if name in begun:
            return
        inside = name if name.endswith("/") else f"{name}/"
        known = any(
            listed.startswith(inside) or (listed[-1] == "/" and name.startswith(listed))
            for listed in begun
        )
        if not known and os.path.lexists(self.path / name):
            raise self.work.foreign(self.path, name)
        self.work.describe(self.path, False, names=[*begun, name]).write(self.path)

    def forget(self) -> None:
        """Drops what was found before: from here on it does not stand."""
        record = Record.read(self.path)
        if record is not None and record.results is not None:
            dataclasses.replace(record, results=None).write(self.path)

    def finish(self, results: Mapping[str, Any] | None = None) -> None:
        """States that all is there, with the checksums of all files.

        Args:
            results: See `Record`.
        """
        record = Record.read(self.path)
        names = () if record is None else (*record.files, *record.begun)
        done = self.work.describe(self.path, complete=True, names=names)
        dataclasses.replace(done, results=results).write(self.path)

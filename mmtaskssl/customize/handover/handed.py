"""What was handed over, and is its user's to edit: nothing of that is written over."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...runs import Record, describe_files, differs
from ...utils.atomic import write_json
from ...utils.inputs import read_json, reading

#: Says what was written: it outlives the record of the folder, which says so only while
#: the folder is whole.
FILE = "handed-over.json"
#: Names of what is set aside, in the folder itself.
ASIDE = "*.edited*"


@dataclasses.dataclass(frozen=True)
class Handed:
    """The files of a customization that its user may have edited.

    Attributes:
        out: Folder of the customization.
        log: Takes a line for each that is set aside.
    """

    out: Path
    log: Callable[[str], None]

    def make_way(self, name: str) -> None:
        """Renames a file that is not as it was written, before it is written anew.

        Args:
            name: Its path in the folder.
        """
        path, stated = self.out / name, self._stated().get(name)
        if path.is_file() and (stated is None or differs(path, stated)):
            aside = self._aside(name)
            path.rename(aside)
            self.log(f"{path} was edited: yours is now {aside}")

    def make_way_for_all(self) -> None:
        """Does so with all that was handed over, before the folder is cleared."""
        for name in self._stated():
            self.make_way(name)

    def wrote(self, name: str) -> None:
        """Remembers a file as it was just written.

        Args:
            name: Its path in the folder.
        """
        found = {**self._stated(), **describe_files(self.out, [name])}
        write_json(self.out / FILE, found)

    def _stated(self) -> Mapping[str, Mapping[str, Any]]:
        if (self.out / FILE).is_file():
            with reading(self.out / FILE):
                found: Mapping[str, Mapping[str, Any]] = dict(
                    read_json(self.out / FILE)
                )
                return found
        record = Record.read(self.out) if self.out.is_dir() else None
        files = {} if record is None else record.files  # an older version's
        return {n: files[n] for n in ("config.py", "README.md") if n in files}

    def _aside(self, name: str) -> Path:
        """Returns a free place: config.edited.py, then config.edited-2.py."""
        inner = Path(name)
        # budgets/NAME/config.py: that of which budget.
        stem = ".".join([inner.stem, *inner.parent.parts[1:]])
        number, aside = 1, self.out / f"{stem}.edited{inner.suffix}"
        while aside.exists():
            number += 1
            aside = self.out / f"{stem}.edited-{number}{inner.suffix}"
        return aside

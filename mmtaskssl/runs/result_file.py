"""One JSON file that a result goes to, and is continued in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..utils.atomic import write_json
from ..utils.inputs import read_json
from ..utils.redaction import redacted_value
from .output_file import OutputFile


@dataclass(frozen=True)
class ResultFile:
    """A file that only an earlier result of its kind gives way to.

    Attributes:
        path: The file.
        what: In words, such as "an evaluation".
        is_ours: Whether the content of a JSON file is such a result, of any version.
    """

    path: Path
    what: str
    is_ours: Callable[[Mapping[str, Any]], bool]

    def read(self) -> dict[str, Any] | None:
        """Returns the result that stands there; None if there is no file.

        Raises:
            UserError: Anything else stands there, or it cannot be read.
        """
        self._file.check()
        return read_json(self.path) if self.path.exists() else None

    def write(self, value: Mapping[str, Any]) -> None:
        """Writes a result, whole or not at all.

        Raises:
            UserError: See `read`; or the disk is full or forbidden, or another process
                writes there.
        """
        with self._file.written() as temporary:
            write_json(temporary, value)

    @property
    def _file(self) -> OutputFile:
        return OutputFile(self.path, self.what, self._objection)

    def _objection(self, path: Path) -> str:
        try:
            found = read_json(path)
        except (OSError, ValueError, RecursionError) as error:
            return f"it cannot be read: {error}"
        ours = isinstance(found, dict) and self.is_ours(found)
        return "" if ours else "it holds something else"


def as_read(value: Any) -> Any:
    """Returns a value as it will be read back from JSON that `write_json` wrote."""
    return json.loads(json.dumps(redacted_value(value)))

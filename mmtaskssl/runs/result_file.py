"""One JSON file that a result goes to, and is continued in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..utils.atomic import write_json
from ..utils.errors import UserError
from ..utils.inputs import read_json
from .locks import locked


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
        try:
            found = read_json(self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise self._refusal(f"it cannot be read: {error}") from error
        if not isinstance(found, dict) or not self.is_ours(found):
            raise self._refusal("it holds something else")
        return found

    def write(self, value: Mapping[str, Any]) -> None:
        """Writes a result, whole or not at all.

        Raises:
            UserError: See `read`; or the disk is full or forbidden, or another process
                writes there.
        """
        with locked(self.path):
            self.read()
            try:
                write_json(self.path, value)
            except OSError as error:
                raise UserError(
                    f"cannot write {self.path} ({error.strerror or error}): nothing "
                    "was lost there"
                ) from error

    def _refusal(self, reason: str) -> UserError:
        return UserError(
            f"{self.path} is not {self.what} ({reason}), and is not replaced: name "
            "another file"
        )


def as_read(value: Any) -> Any:
    """Returns a value as it will be read back from JSON."""
    return json.loads(json.dumps(value))

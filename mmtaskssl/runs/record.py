"""What a folder of ours says of itself."""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import write_json
from ..utils.errors import UserError
from ..utils.families import FileDamaged, NewerFormat, SystemRefused
from ..utils.hashing import file_sha256, known_sha256
from ..utils.inputs import read_json

#: Name of the record in its folder.
RECORD = "record.json"
# Of the record itself, not of the folder's format.
_VERSION = 1
# Bytes of files that are read when a finished folder is only looked at: a moment.
_COMPARED = 8 << 20


@dataclasses.dataclass(frozen=True)
class Record:
    """Tells a piece of work from any other, and a whole one from a broken one.

    Attributes:
        kind: What was made, such as "selection".
        version: Of the folder's format.
        inputs: All that the work depends on; JSON-ready.
        complete: False while the work goes on.
        files: Bytes and SHA-256 of each file, by its path in the folder.
        mmtaskssl: Version of the package that wrote it.
        begun: Paths in the folder that unfinished work has written, or will; those with
            a ``/`` at their end are folders of which all is its own.
        results: What was found, of work that keeps it here; JSON-ready.
    """

    kind: str
    version: int
    inputs: Mapping[str, Any]
    complete: bool
    files: Mapping[str, Mapping[str, Any]]
    mmtaskssl: str
    begun: Sequence[str] = ()
    results: Mapping[str, Any] | None = None

    def write(self, folder: str | os.PathLike) -> None:
        """Writes the record into its folder, atomically."""
        value = {"record": _VERSION, **dataclasses.asdict(self)}
        if self.results is None:
            del value["results"]
        write_json(Path(folder, RECORD), value)

    @classmethod
    def read(cls, folder: str | os.PathLike) -> "Record | None":
        """Reads the record of a folder; None: it has none.

        Raises:
            UserError: The record is damaged, or a newer version's.
        """
        path = Path(folder, RECORD)
        try:
            value = read_json(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            raise SystemRefused(f"{path} cannot be read ({error})") from error
        try:
            check_version(value.pop("record"), _VERSION, str(path))
            found = cls(**value)
            whole = (
                isinstance(found.kind, str)
                and isinstance(found.version, int)
                and isinstance(found.complete, bool)
                and all({"bytes", "sha256"} <= {*f} for f in found.files.values())
                and all(_is_inside(name) for name in (*found.files, *found.begun))
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise FileDamaged(f"{path} is damaged ({error!r})") from error
        if not whole:
            raise FileDamaged(f"{path} is damaged: a field has another type")
        return found


def _is_inside(name: Any) -> bool:
    """Whether a path cannot lead out of its folder: what is listed may be removed."""
    if not isinstance(name, str) or not name.strip("/"):
        return False
    return not name.startswith("/") and ".." not in name.split("/")


def has_types(value: Any, types: Mapping[str, type | tuple[type, ...]]) -> bool:
    """Whether JSON is an object with these keys, of these types: an older version's."""
    return isinstance(value, dict) and all(
        key in value and isinstance(value[key], kind) for key, kind in types.items()
    )


def describe_files(
    folder: str | os.PathLike, names: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Returns bytes and SHA-256 of files, by their path in ``folder``."""
    return {
        name: {
            "bytes": Path(folder, name).stat().st_size,
            "sha256": file_sha256(Path(folder, name)),
        }
        for name in sorted(names)
    }


def differs(
    path: str | os.PathLike, stated: Mapping[str, Any], limit: int = _COMPARED
) -> bool:
    """Whether what stands at a path is not what its record says was written.

    A link is what it points to.

    Args:
        path: Something is there.
        stated: Bytes and SHA-256 that the record has.
        limit: Bytes up to which a file of the same size is read, too.

    Raises:
        OSError: It cannot be read.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size != stated["bytes"]:
        return True
    return stated["bytes"] <= limit and file_sha256(path) != stated["sha256"]


def check_version(found: Any, known: int, what: str) -> None:
    """Refuses a format that only a later version of this package can read.

    Args:
        found: Version that stands in the file.
        known: Newest version that is read here; older ones are, too.
        what: The file or folder, for the message.

    Raises:
        UserError: It is newer, or no version at all.
    """
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise NewerFormat(f"{what} has no format that is known here ({found!r})")
    if found > known:
        raise NewerFormat(
            f"{what} has format {found}, and this version of mmtaskssl reads formats "
            f"up to {known}: update mmtaskssl"
        )


def check_listed(
    path: str | os.PathLike, instead: str = "", kind: str | None = None
) -> None:
    """Refuses a file that is not what the record beside it says was written.

    One without a record of ours, or that it does not list, is its user's own.

    Args:
        path: A file.
        instead: What there is to do; "": to make it again, or to copy it.
        kind: Of the records that count; None: any.

    Raises:
        UserError: It was changed.
    """
    path = Path(path)
    try:
        record = Record.read(path.parent)
    except UserError:  # somebody else's of that name
        return
    if record is None or kind not in (None, record.kind):
        return
    stated = record.files.get(path.name)
    if stated is None or not path.is_file():
        return
    instead = instead or (
        "make it again, or copy the file to a folder of its own to use it as it is"
    )
    size = path.stat().st_size
    if size != stated["bytes"]:
        raise FileDamaged(
            f"{path} is not what was written (it has {size} bytes instead of "
            f"{stated['bytes']}): {instead}"
        )
    if known_sha256(path) != stated["sha256"]:
        raise FileDamaged(
            f"{path} is not what was written (its checksum differs): {instead}"
        )


def verify(
    folder: str | os.PathLike, names: Iterable[str] | None = None, *, deep: bool = True
) -> None:
    """Compares files with what their folder's record says of them.

    Args:
        folder: Holds a record; without one (an older version's) nothing is compared.
        names: Which files; None: all that the record lists.
        deep: Compare the bytes' hash; else the sizes alone, which costs nothing.

    Raises:
        UserError: A file is absent, of another size, or changed.
    """
    record = Record.read(folder)
    if record is None:
        return
    for name in record.files if names is None else names:
        stated = record.files.get(name)
        if stated is None:
            raise FileDamaged(f"the record of {folder} does not list {name}")
        path = Path(folder, name)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise FileDamaged(
                f"{folder} lacks {name} ({error.strerror}): make it again"
            ) from error
        if size != stated["bytes"]:
            raise FileDamaged(
                f"{path} has {size} bytes instead of {stated['bytes']}: it was cut "
                "short or edited; make it again"
            )
        if deep and known_sha256(path) != stated["sha256"]:
            raise FileDamaged(
                f"{path} is not what was written (its checksum differs): make it again"
            )

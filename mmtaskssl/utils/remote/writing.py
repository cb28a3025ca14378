"""Writing what lies elsewhere, whole or not at all, and who was first."""

import contextlib
import inspect
import os
import uuid
from typing import Any

from ..families import SystemRefused
from . import files
from .addresses import address_of, opening
from .files import Stat
from .service import status_of, system_of, tried

# Services that make an object only where there is none, in one step.
# fmt: off
_EXCLUSIVE = frozenset((
    "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory",
))
# fmt: on
_NOT_WRITTEN = "could not be written"
# HTTP's of a condition that does not hold, or of two who try at once.
_TAKEN = (409, 412)


def put(path: str | os.PathLike, content: bytes) -> None:
    """Writes a file, whatever was there.

    Args:
        path: Its address.
        content: All of it.

    Raises:
        UserError: The place cannot be reached, or not be written.
    """
    address = address_of(path)
    tried(address, lambda system, name: system.pipe_file(name, content), _NOT_WRITTEN)
    files.forget(address)


def create(path: str | os.PathLike, content: bytes) -> bool:
    """Makes a file, of several who try at once for exactly one.

    Args:
        path: Its address.
        content: All of it; what nobody else writes there, where one has to win.

    Returns:
        Whether it holds this content now, and not what another wrote.

    Raises:
        UserError: See `put`.
    """
    address = address_of(path)

    def make(system: Any, name: str) -> bool:
        try:
            system.pipe_file(name, content, mode="create")
        except Exception as error:  # each service's package raises its own
            if isinstance(error, FileExistsError) or status_of(error) in _TAKEN:
                return False
            raise
        return True

    made = tried(address, make, _NOT_WRITTEN)
    files.forget(address)
    if made:
        return True
    try:  # a try before whose answer was lost may have made it
        return files.read(address) == content
    except FileNotFoundError:
        return False


def remove(path: str | os.PathLike) -> None:
    """Removes a file, if it is there.

    Raises:
        UserError: See `put`.
    """
    address = address_of(path)
    with contextlib.suppress(FileNotFoundError):
        tried(address, lambda system, name: system.rm_file(name), _NOT_WRITTEN)
    files.forget(address)


def listed(folder: str | os.PathLike) -> dict[str, Stat]:
    """Returns the files below a folder as they are now, by their paths in it.

    Raises:
        UserError: The place cannot be reached.
    """
    address = address_of(folder).rstrip("/")

    def ask(system: Any, name: str) -> Any:
        system.invalidate_cache()
        return system.find(name, detail=True)

    try:
        found = tried(address, ask)
    except FileNotFoundError:
        return {}
    return files.below(address, found)


def check_exclusive(folder: str | os.PathLike) -> None:
    """Refuses a place where several may make one file, each without noticing.

    It is tried: of services that speak another's language not all know its conditions.

    Args:
        folder: An address.

    Raises:
        UserError: It is such a place, or cannot be written.
    """
    address = address_of(folder).rstrip("/")
    scheme = address.partition("://")[0]
    system, _ = system_of(opening(address))
    if scheme not in _EXCLUSIVE:
        raise SystemRefused(
            f"{address} cannot be shared out among processes: {scheme}:// has no way "
            f"to make a file that exactly one of several gets, as "
            f"{', '.join(f'{one}://' for one in ('s3', 'gs', 'az'))} have; extract to "
            "a folder, and copy the store there"
        )
    write = getattr(system, "_pipe_file", None) or system.pipe_file
    if "mode" not in inspect.signature(write).parameters:
        raise SystemRefused(
            f"{address} cannot be shared out among processes by this version of "
            f"{type(system).__module__.partition('.')[0]}: update it"
        )
    place = f"{address}/.trial-{uuid.uuid4().hex}"
    try:
        first, second = (create(place, word) for word in (b"first", b"second"))
    finally:
        remove(place)
    if not first or second:
        raise SystemRefused(
            f"{address} cannot be shared out among processes: its service writes over "
            "a file that is to be made only where there is none (If-None-Match: *); "
            "extract to a folder, and copy the store there"
        )

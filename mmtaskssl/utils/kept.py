"""A bounded cache of large files: tars that were unpacked, shards from elsewhere.

All processes of a user share it. A file appears in it whole or not at all, under a name
that its content's identity makes; what was used longest ago goes first. Beside the
files lie folders, see `kept_folders`, which count as long as nobody uses them.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from . import kept_folders
from .families import BadValue

#: Environment variable: gigabytes of the cache; 0: none.
LIMIT = "MMTASKSSL_CACHE_GB"
_DEFAULT, _GIGABYTE = 20.0, 10**9
# Bytes of the disk that are left to others.
_SPARE = 2 * _GIGABYTE
_PART, _LOCK = ".part", ".lock"
# Seconds for which a file that was used counts as just used.
_TOUCHED = 30.0
_used: dict[Path, float] = {}


def limit() -> int:
    """Returns how many bytes the cache may have.

    Raises:
        UserError: The variable is no number.
    """
    given = os.environ.get(LIMIT, "")
    try:
        gigabytes = float(given or _DEFAULT)
        return max(0, int(gigabytes * _GIGABYTE))
    except (ValueError, OverflowError) as error:
        raise BadValue(
            f"{LIMIT} must be gigabytes, such as 50, not {given!r}"
        ) from error


def folder() -> Path:
    """Returns where the cache lies."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "mmtaskssl" / "kept"


def folders() -> Path:
    """Returns where the folders of the cache lie."""
    return folder().with_name("stores")


def find(identity: str) -> Path | None:
    """Returns the file of an identity; None: it is not there."""
    path = _path(identity)
    now = time.monotonic()
    if now - _used.get(path, -_TOUCHED) < _TOUCHED:
        return path if path.exists() else None
    try:
        os.utime(path)
    except OSError:
        return None
    _used[path] = now
    return path


def keep(
    identity: str,
    size: int,
    fill: Callable[[BinaryIO], None],
    replace: bool = True,
) -> Path | None:
    """Makes a file of the cache, once for all processes that want it.

    Args:
        identity: Of its content, and so of the file.
        size: In bytes, or more than that.
        fill: Writes it, into an open file.
        replace: Remove what was used longest ago where there is no room.

    Returns:
        The file; None: there is no room, or the place cannot be written.
    """
    if (found := find(identity)) is not None:
        return found
    path = _path(identity)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path)
    except OSError:
        return None
    part = Path(f"{path}{_PART}")
    try:
        if (found := find(identity)) is not None:  # made while this one waited
            return found
        if not _make_room(part, size, replace):
            return None
        with open(part, "r+b") as file:  # as long as it may become, so it has its room
            fill(file)
            file.truncate()
        os.replace(part, path)
        return find(identity)
    finally:
        part.unlink(missing_ok=True)
        _release(path, lock)


def trim() -> None:
    """Removes what was used longest ago, until the cache is within its limit."""
    place = folder()
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        with _alone(place):
            _free(place, 0)


def _path(identity: str) -> Path:
    digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
    return folder() / digest[:32]


def _make_room(part: Path, size: int, replace: bool) -> bool:
    """Makes an empty file of a size, if the cache has room for it."""
    place = part.parent
    with _alone(place):
        _remove_litter(place, part)
        if not _free(place, size, replace):
            return False
        with open(part, "wb") as file:
            file.truncate(size)
        return True


def _free(place: Path, size: int, replace: bool = True) -> bool:
    """Removes what was used longest ago; returns whether there is so much room."""
    held = {
        path: (found.st_size, found.st_mtime_ns)
        for path in place.iterdir()
        if (found := _stat(path))
    }
    copies = kept_folders.idle(folders())
    held.update(copies)
    total = sum(bytes_ for bytes_, _ in held.values())
    free = shutil.disk_usage(place).free - _SPARE
    most = min(limit(), total + max(0, free))
    if size > most or (not replace and total + size > most):
        return False
    for path in sorted(held, key=lambda path: held[path][1]):
        if total + size <= most:
            break
        if path in copies:
            total -= held[path][0] if kept_folders.remove(path) else 0
        elif not path.suffix:
            path.unlink(missing_ok=True)  # who reads it has it open
            total -= held[path][0]
    return total + size <= most


def _remove_litter(place: Path, wanted: Path) -> None:
    """Removes what killed processes left, whose locks are free."""
    for part in place.glob(f"*{_PART}"):
        path = part.with_suffix("")
        with contextlib.suppress(OSError):
            if part != wanted:
                lock = _acquire(path, fcntl.LOCK_NB)
                part.unlink(missing_ok=True)
                _release(path, lock)


def _acquire(path: Path, how: int = 0) -> int:
    """Takes the lock of a file; one that was removed meanwhile is none."""
    name = f"{path}{_LOCK}"
    while True:
        handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | how)
            if os.stat(name).st_ino == os.fstat(handle).st_ino:
                return handle
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _release(path: Path, lock: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(f"{path}{_LOCK}")
    os.close(lock)


def _stat(path: Path) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return path.stat()
    return None


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    handle = os.open(place / f".room{_LOCK}", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

"""Folders of the bounded cache, which go as a whole, and never while they are in use.

Each lies in a folder of its own beside a file whose lock its users share::

    PLACE/NAME/.used    when it was used last; locked as long as it is in use
    PLACE/NAME/...      what is kept
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_USED = ".used"


def hold(folder: Path) -> int | None:
    """Keeps others from removing a folder, which is made if absent.

    Args:
        folder: Of the cache.

    Returns:
        What has to be closed (`os.close`) where it is not used any more; None: the
        place cannot be locked.
    """
    with contextlib.suppress(OSError):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                handle = os.open(folder / _USED, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # it was removed just now
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_SH)
                if _is_current(folder, handle):
                    os.utime(handle)
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
    return None


def idle(place: Path) -> dict[Path, tuple[int, int]]:
    """Returns bytes and time of the last use of each folder that is not in use.

    Args:
        place: Where all lie.
    """
    found = {}
    for folder in place.iterdir() if place.is_dir() else ():
        with _alone(folder) as handle:
            if handle is not None:
                used = os.fstat(handle).st_mtime_ns
                found[folder] = sum(_sizes(folder)), used
    return found


def remove(folder: Path) -> bool:
    """Removes a folder with all that is in it, if nobody uses it.

    Returns:
        Whether it is gone.
    """
    with _alone(folder) as handle:
        if handle is None:
            return False
        for entry in [*os.scandir(folder)]:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            elif entry.name != _USED:
                os.unlink(entry.path)
        with contextlib.suppress(OSError):
            (folder / _USED).unlink()
            folder.rmdir()
    return True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int | None]:
    """Yields a handle of what marks a folder, locked; None: somebody uses it."""
    handle = None
    try:
        mark = folder / _USED
        if not mark.exists() and folder.is_dir():  # of a version without marks
            before = folder.stat()
            mark.touch()
            os.utime(mark, ns=(before.st_atime_ns, before.st_mtime_ns))
        handle = os.open(mark, os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = _is_current(folder, handle)
    except OSError:
        free = False
    try:
        yield handle if free else None
    finally:
        if handle is not None:
            os.close(handle)


def _is_current(folder: Path, handle: int) -> bool:
    """Whether what was opened is still there, and not removed meanwhile."""
    try:
        return os.stat(folder / _USED).st_ino == os.fstat(handle).st_ino
    except FileNotFoundError:
        return False


def _sizes(folder: Path) -> Iterator[int]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes(Path(entry.path))
        else:
            yield entry.stat(follow_symlinks=False).st_size

"""Locks against two writers of one place."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..utils.families import BadLaunch, InUse, SystemRefused

try:
    import fcntl
except ModuleNotFoundError as error:  # a whole system, not a package, is absent
    raise BadLaunch(
        "mmtaskssl runs on Linux and macOS: under Windows use WSL (wsl --install), "
        "where it is installed as on Linux"
    ) from error

_ENDING = ".lock"
#: Ending of a claim, see `Claims`.
CLAIM = ".claim"


class Busy(InUse):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked(path: str | os.PathLike, wait: bool = False) -> Iterator[None]:
    """Holds the lock of a file or folder that is being written.

    The lock is a file beside it, ``.NAME.lock``, which the system frees when its holder
    dies, so that a killed run never blocks the next. File systems without locks are
    written without one.

    Args:
        path: What is written; need not exist.
        wait: For another holder to end; else it is an error.

    Raises:
        Busy: Another process holds it.
        UserError: The place cannot be written.
    """
    path = Path(path)
    if path.name in ("", ".."):  # such as ".": the lock lies beside, not within
        path = path.resolve()
    name = path.parent / f".{path.name}{_ENDING}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _acquire(name, wait)
    except BlockingIOError as error:
        raise Busy(
            f"another process is writing {path}: wait for it, or name another place"
        ) from error
    except OSError as error:
        raise SystemRefused(f"cannot write {path} ({reason_of(error)})") from error
    try:
        yield
    finally:
        # Removed while it is held: who waits for it notices, see `_acquire`.
        with contextlib.suppress(OSError):
            name.unlink()
        os.close(handle)


def reason_of(error: OSError) -> str:
    """Returns why the system refuses a place, for the brackets of a message."""
    if isinstance(error, FileExistsError) and error.filename:  # of a folder to be made
        return f"{error.filename} is a file, where a folder is meant"
    return error.strerror or str(error)


def is_lock(name: str) -> bool:
    """Whether a file of that name, or path, is a lock, or a claim."""
    base = name.rpartition("/")[2]
    return base.startswith(".") and base.endswith((_ENDING, CLAIM))


def lock_of(name: str) -> str:
    """Returns the name of what a lock, or claim, of that name is held for."""
    return name.removeprefix(".").removesuffix(_ENDING).removesuffix(CLAIM)


def _acquire(name: Path, wait: bool) -> int:
    while True:
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            same = os.fstat(handle).st_ino == os.stat(name).st_ino
        except BlockingIOError:
            os.close(handle)
            raise
        except FileNotFoundError:  # its last holder removed it meanwhile
            same = False
        except OSError:  # the file system has no locks
            return handle
        if same:
            return handle
        os.close(handle)

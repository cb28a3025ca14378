"""Files and folders that appear complete or not at all."""

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .redaction import redacted_value

#: Stands in the name of whatever is not finished, and in no name of a user's.
MARK = "mmtaskssl-"
# As `tempfile` names what `atomic_path` makes: ".a.pth.mmtaskssl-k3v_9qzx.pth".
_TEMPORARY = re.compile(rf"\.(?P<name>.+)\.{MARK}[a-z0-9_]{{8}}(?P<suffix>\.[^.]+)?")
# Linux's renameat2: swap two names in one step.
_AT_FDCWD, _EXCHANGE = -100, 2


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` that replaces it on success.

    On any exception the temporary file is removed and ``path`` is left as it was.
    The data reach the disk before the name does, and the name before this returns:
    what is done afterwards (deleting what the file supersedes, say) may count on it.

    Args:
        path: The final file, or a link to it. Its folder is made if absent.
    """
    path = Path(path)
    if path.is_symlink():  # which stays, and leads to what was written
        path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.name}.{MARK}", suffix=path.suffix, dir=path.parent
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would lock others out
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # Torch writes archives by itself, and knows no reason: it is mostly the disk.
        if isinstance(error, RuntimeError) and "inline_container" in str(error):
            reason = "not all of it could be written: is the disk full?"
            raise OSError(errno.EIO, reason, str(path)) from error
        raise
    sync_folder(path.parent)


def sync_folder(folder: str | os.PathLike) -> None:
    """Sees a folder's names to the disk, where the file system has such a call."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def is_temporary(name: str) -> bool:
    """Whether a file or folder of that name is one that was not finished."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_temporaries(folder: str | os.PathLike, of: re.Pattern[str]) -> list[str]:
    """Removes what killed processes left of `atomic_path` in a folder.

    Only for a folder that nobody else is writing to.

    Args:
        folder: Its files are looked at, not those of folders below.
        of: Matches, in full, the final names whose temporaries are removed.

    Returns:
        The removed names.
    """
    removed = []
    for path in sorted(Path(folder).glob(".*")):
        match = _TEMPORARY.fullmatch(path.name)
        if match is None or not of.fullmatch(match["name"]) or not path.is_file():
            continue
        if Path(match["name"]).suffix == (match["suffix"] or ""):
            path.unlink(missing_ok=True)
            removed.append(path.name)
    return removed


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes ``text`` as UTF-8, atomically; file names in it may be any bytes."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes ``value`` as indented JSON, atomically; secrets as `redacted`."""
    text = json.dumps(redacted_value(value), indent=2, ensure_ascii=False) + "\n"
    # Of a file name that is not UTF-8 JSON can hold only the escape.
    write_text(path, text.encode("utf-8", "backslashreplace").decode())


@contextlib.contextmanager
def scratch_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yields a temporary folder beside ``path``, on its disk, and removes it.

    Args:
        path: Its parent is made if absent.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=f".{path.name}.{MARK}", dir=path.parent)
    try:
        yield Path(temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary folder beside ``path`` that becomes ``path`` on success.

    An existing ``path`` is replaced only once the new one is whole and on the disk;
    on Linux in one step, so that a kill finds the one or the other there.

    Args:
        path: The final folder. Its parent is made if absent.
        durable: Wait for the disk. False for many files that are soon made again.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.{MARK}", dir=path.parent))
    try:
        yield temporary
        open_to_all(temporary)
        if durable:
            sync_tree(temporary)
        if not path.exists():
            os.replace(temporary, path)
        elif _exchange(temporary, path):
            shutil.rmtree(temporary)
        else:
            prefix = f".{path.name}.old.{MARK}"
            old = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
            os.replace(path, old / path.name)
            os.replace(temporary, path)
            shutil.rmtree(old)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(path.parent)


def open_to_all(folder: Path) -> None:
    """Gives a folder of `mkdtemp` the rights that any new folder has."""
    folder.chmod(0o777 & ~_umask())


def sync_tree(folder: Path) -> None:
    """Sees all files of a folder, and of those below, to the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(Path(parent, name), "rb") as file:
                os.fsync(file.fileno())
        sync_folder(parent)


def _exchange(first: Path, second: Path) -> bool:
    """Swaps two names in one step; False where kernel or file system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    status = rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_EXCHANGE))
    return status == 0

"""What tells one file, or one list of images, from another."""

import hashlib
import os
from collections.abc import Iterable

from .families import SystemRefused
from .inputs import open_input

# Bytes from which a file's hash is remembered: smaller ones are hashed in a moment.
_LARGE = 1 << 20
_known: dict[tuple[str, int, int, int], str] = {}


def file_sha256(path: str | os.PathLike) -> str:
    """Hashes a file's bytes.

    Raises:
        UserError: It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open_input(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SystemRefused(f"cannot read {path} ({error.strerror})") from error
    return digest.hexdigest()


def known_sha256(path: str | os.PathLike) -> str:
    """Hashes a file's bytes; those of a large one once, while it stays what it is.

    That is told by size, place on the disk, and time of its last change.

    Raises:
        UserError: It cannot be read.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise SystemRefused(f"cannot read {path} ({error.strerror})") from error
    if found.st_size < _LARGE:
        return file_sha256(path)
    place = os.path.realpath(path)
    key = (place, found.st_size, found.st_mtime_ns, found.st_ino)
    if key not in _known:
        _known[key] = file_sha256(path)
    return _known[key]


def lines_sha256(lines: Iterable[str]) -> str:
    """Hashes the lines of a text, such as image ids, which need not be UTF-8."""
    text = "\n".join(lines)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

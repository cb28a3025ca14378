"""What tells one file, or one list of images, from another."""

import hashlib
import os
from collections.abc import Iterable

from .errors import UserError
from .inputs import open_input


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
        raise UserError(f"cannot read {path} ({error.strerror})") from error
    return digest.hexdigest()


def lines_sha256(lines: Iterable[str]) -> str:
    """Hashes the lines of a text, such as image ids, which need not be UTF-8."""
    text = "\n".join(lines)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

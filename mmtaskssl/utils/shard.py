"""A file that holds many images, here or elsewhere, as it is now."""

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .remote import files
from .remote.access import copied
from .remote.addresses import address_of, is_remote

#: Bytes that are fetched at once of what lies elsewhere and is read to its end.
BLOCK = 4 << 20


class BadShard(OSError):
    """A tar that cannot be read at random; the message says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


@dataclass(frozen=True)
class Shard:
    """A tar, or a table, as it is now.

    Attributes:
        path: Absolute, or an address.
        size: In bytes.
        tag: With the size tells it from what it was and will be.
        remote: Whether it lies elsewhere.
    """

    path: str
    size: int
    tag: str
    remote: bool

    @classmethod
    def at(cls, path: str | os.PathLike) -> "Shard":
        """Looks at it.

        Raises:
            OSError: There is none, or it is a folder.
        """
        if is_remote(path):
            known = files.stat(path)
            if known.is_folder:
                raise IsADirectoryError(21, "it is a folder", os.fspath(path))
            return cls(address_of(path), known.size, known.tag, True)
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(21, "it is a folder", os.fspath(path))
        whole = os.fspath(path) if os.path.isabs(path) else os.path.abspath(path)
        return cls(whole, found.st_size, str(found.st_mtime_ns), False)

    @property
    def identity(self) -> str:
        """Tells its content from any other."""
        return f"{self.path}\0{self.size}\0{self.tag}"

    def opened(self, copies: bool = True) -> BinaryIO:
        """Opens it, to be read from end to end.

        Args:
            copies: Whether a copy is made of what lies elsewhere, if there is room.
        """
        if not self.remote:
            return open(self.path, "rb")
        if copies and (copy := self.copy(whole=True)) is not None:
            with contextlib.suppress(FileNotFoundError):  # another needed the room
                return open(copy, "rb")
        return files.opened(self.path, BLOCK)

    def copy(self, whole: bool = False) -> Path | None:
        """Returns a copy of what lies elsewhere, see `copied`."""
        if not self.remote:
            return None
        return copied(self.path, self.identity, self.size, whole)

    def read(self, first: int, count: int) -> bytes:
        """Returns some of its bytes; fewer, if it ends."""
        path = self.copy() if self.remote else self.path
        if path is not None:
            try:
                with open(path, "rb") as file:
                    file.seek(first)
                    return file.read(count)
            except FileNotFoundError:
                if not self.remote:
                    raise
        return files.read(self.path, first, count)

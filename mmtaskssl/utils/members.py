"""Files inside others: ``SHARD.tar#MEMBER``, and ``TABLE.parquet#ROW``.

A tar is looked through once and then read at random. Of one with many members the
index is kept in the user's cache, and used while size and time of the tar are the same.
"""

import contextlib
import functools
import hashlib
import os
import posixpath
import stat
import tarfile
import zipfile
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .atomic import atomic_path

if TYPE_CHECKING:
    import numpy as np

    from .parquet import ImageTable

#: Ending of a shard, and what separates it from a member.
SUFFIX, MARK = ".tar", "#"
TABLE = ".parquet"
# Fewer members are looked through as fast as an index is read.
_KEPT = 1000
_VERSION = 1
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")


class BadShard(OSError):
    """A tar that cannot be read at random; the message says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.strerror = reason


@dataclass(frozen=True, eq=False)
class Index:
    """Where the members of a tar lie.

    Attributes:
        names: In the order of the tar, separated by NUL, as uint8.
        keys: Of the names, sorted, uint64 (members,).
        places: First byte and size of each, in the order of ``keys``, int64
            (members, 2).
    """

    names: "np.ndarray"
    keys: "np.ndarray"
    places: "np.ndarray"

    def place(self, name: str) -> tuple[int, int]:
        """Returns first byte and size of a member.

        Raises:
            FileNotFoundError: There is none of this name.
        """
        key = _key(name)
        row = bisect_left(self.keys, key)
        if row == len(self.keys) or self.keys[row] != key:
            raise FileNotFoundError(2, "the tar holds no such member", name)
        first, size = self.places[row].tolist()
        return first, size


@dataclass(frozen=True)
class Member:
    """A file in a tar.

    Attributes:
        shard: The tar.
        name: Of the member.
        first: Its first byte in the tar.
        size: In bytes.
    """

    shard: str
    name: str
    first: int
    size: int

    def read(self) -> bytes:
        """Returns what it holds.

        Raises:
            OSError: The tar cannot be read.
            BadShard: It ends before the member does.
        """
        with open(self.shard, "rb") as file:
            file.seek(self.first)
            content = file.read(self.size)
        if len(content) < self.size:
            raise BadShard(f"the tar ends within {self.name}")
        return content


def find(path: str | os.PathLike) -> "Member | Row | None":
    """Returns the member that a path names; None: it names none.

    Raises:
        OSError: There is no such member, or what it is in cannot be read.
        BadShard: See `index_of`.
    """
    if (named := split(path)) is None:
        return None
    shard, name = named
    if shard.lower().endswith(TABLE):
        return Row.of(shard, name) if os.path.isfile(shard) else None
    try:
        index = index_of(shard)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None  # whose name only looks like that
    return Member(shard, name, *index.place(name))


@dataclass(frozen=True)
class Row:
    """An image in a row of a Parquet file.

    Attributes:
        content: What it holds.
    """

    content: bytes

    @classmethod
    def of(cls, shard: str, name: str) -> "Row":
        """Reads it, with its row group; the next rows of that come for free."""
        table = _table_of(shard)
        if not name.isdecimal() or int(name) >= table.rows:
            raise FileNotFoundError(2, "the table holds no such row", name)
        if (content := table.read(int(name))) is None:
            raise BadShard("its row holds no bytes")
        return cls(content)

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.content)

    def read(self) -> bytes:
        """Returns what it holds."""
        return self.content


def rows_of(table: str | os.PathLike) -> int:
    """Returns how many rows a Parquet file of images has.

    Raises:
        OSError: It cannot be read.
        UserError: It holds no images, or pyarrow is not installed.
    """
    return _table_of(table).rows


def _table_of(table: str | os.PathLike) -> "ImageTable":
    """Returns a Parquet file of images, as it is now."""
    found = os.stat(table)
    return _table(os.path.abspath(table), found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _table(table: str, size: int, modified: int) -> "ImageTable":
    from .parquet import ImageTable

    return ImageTable(Path(table))


def split(path: str | os.PathLike) -> tuple[str, str] | None:
    """Returns the file and the member that a path looks like; None: like neither."""
    text = os.fspath(path)
    if MARK not in text:
        return None
    for suffix in (SUFFIX, TABLE):
        if (at := text.lower().find(suffix + MARK)) >= 0:
            end = at + len(suffix)
            return text[:end], text[end + 1 :]
    return None


def exists(path: str | os.PathLike) -> bool:
    """Whether a file or a member is there."""
    try:
        return find(path) is not None or os.path.isfile(path)
    except OSError:
        return False


def member_names(shard: str | os.PathLike) -> list[str]:
    """Returns the files in a tar, in its order.

    Raises:
        OSError: It cannot be read.
        BadShard: See `index_of`.
    """
    text = index_of(shard).names.tobytes().decode("utf-8", "surrogateescape")
    return text.split("\0") if text else []


def index_of(shard: str | os.PathLike) -> Index:
    """Returns where the members of a tar lie, as it is now.

    Raises:
        OSError: It cannot be read.
        BadShard: It is none, is compressed or cut short, or has two members of one
            name.
    """
    found = os.stat(shard)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(21, "it is a folder", os.fspath(shard))
    whole = os.fspath(shard) if os.path.isabs(shard) else os.path.abspath(shard)
    return _index(whole, found.st_size, found.st_mtime_ns)


@functools.cache
def _index(shard: str, size: int, modified: int) -> Index:
    import numpy as np

    identity = hashlib.sha256(
        f"{_VERSION}\0{shard}\0{size}\0{modified}".encode("utf-8", "surrogateescape")
    ).hexdigest()
    file = _cache() / f"{identity[:32]}.npz"
    damaged = (ValueError, KeyError, EOFError, zipfile.BadZipFile)
    with (
        contextlib.suppress(OSError, *damaged),
        np.load(file, allow_pickle=False) as kept,
    ):
        return Index(*(kept[name] for name in ("names", "keys", "places")))
    index = _look_through(shard)
    if len(index.keys) >= _KEPT:
        # A cache that cannot be written costs time alone.
        with contextlib.suppress(OSError), atomic_path(file) as temporary:
            np.savez(temporary, **vars(index))
    return index


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "mmtaskssl" / "shards"


def _look_through(shard: str) -> Index:
    import numpy as np

    with open(shard, "rb") as file:
        head = file.read(8)
    if head.startswith(_PACKED):
        raise BadShard("it is compressed, which cannot be read at random: unpack it")
    names: list[str] = []
    places: list[tuple[int, int]] = []
    try:
        with tarfile.open(shard, "r:") as tar:
            for info in tar:
                tar.members = []  # which it would keep
                if info.isreg() and not info.issparse():
                    names.append(posixpath.normpath(info.name).lstrip("/"))
                    places.append((info.offset_data, info.size))
            # It takes a damaged header for the end.
            if any(os.pread(tar.fileobj.fileno(), 512, tar.offset)):
                raise BadShard(f"it is damaged after {len(names):,} members")
    except (tarfile.TarError, EOFError) as error:
        raise BadShard(f"it is no whole tar ({error})") from error
    keys = np.array([_key(name) for name in names], np.uint64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    if (same := np.flatnonzero(keys[1:] == keys[:-1])).size:
        raise BadShard(f"it holds more than one {names[order[same[0] + 1]]}")
    text = "\0".join(names).encode("utf-8", "surrogateescape")
    rows = np.array(places, np.int64).reshape(-1, 2)[order]
    return Index(np.frombuffer(text, np.uint8), keys, rows)


def _key(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")

"""The one door to images' bytes, wherever they lie.

``SHARD.tar#MEMBER``, ``TABLE.parquet#ROW``, ``POOL.lmdb#KEY`` and ``POOL.lance#ROW``
are files inside others, and tars, tables or a file alone may lie elsewhere, under an
address such as ``s3://bucket/SHARD.tar``.
"""

import functools
import io
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from . import lances, lmdbs, tars
from .lmdbs import keys_of
from .remote import files
from .remote.addresses import address_of, is_remote
from .shard import BadShard, Shard
from .tars import Member, index_of, member_names

if TYPE_CHECKING:
    from .parquet import ImageTable

__all__ = [
    "FOLDERS",
    "LANCE",
    "LMDB",
    "MARK",
    "SHARDS",
    "SUFFIX",
    "TABLE",
    "TARS",
    "BadShard",
    "Elsewhere",
    "Member",
    "Row",
    "Shard",
    "exists",
    "find",
    "index_of",
    "is_shard",
    "keys_of",
    "looked_through",
    "member_names",
    "rows_of",
    "split",
    "tag_of",
]

#: Ending of a shard, and what separates it from a member.
SUFFIX, MARK = ".tar", "#"
TABLE = ".parquet"
#: Endings of LMDB, of Lance, of tars, packed ones too, and of all shards.
LMDB, LANCE = ".lmdb", ".lance"
TARS = (SUFFIX, ".tar.gz", ".tgz")
SHARDS = (*TARS, TABLE, LMDB, LANCE)
#: Of those that are folders, or may be.
FOLDERS = (LMDB, LANCE)
_THREADS = 8


@dataclass(frozen=True)
class Elsewhere:
    """A file alone under an address.

    Attributes:
        address: See above.
    """

    address: str

    @property
    def size(self) -> int:
        """In bytes."""
        return files.stat(self.address).size

    @property
    def is_folder(self) -> bool:
        """Whether it is none."""
        return files.stat(self.address).is_folder

    def opened(self) -> BinaryIO:
        """Opens it, to be read anywhere."""
        return files.opened(self.address)

    def read(self, most: int | None = None) -> bytes:
        """Returns what it holds.

        Args:
            most: So many bytes of it at most.
        """
        if most is None:
            return files.read(self.address)
        return files.read(self.address, 0, most)


@dataclass(frozen=True)
class Row:
    """An image in a row of a Parquet file or of Lance, or of a key of LMDB.

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

    def opened(self) -> BinaryIO:
        """Opens what it holds."""
        return io.BytesIO(self.content)

    def read(self) -> bytes:
        """Returns what it holds."""
        return self.content


def find(path: str | os.PathLike) -> Member | Row | Elsewhere | None:
    """Returns the member, or the file elsewhere, that a path names.

    Returns:
        None: it names neither, but a file here.

    Raises:
        OSError: There is no such member, or what it is in cannot be read.
        BadShard: See `index_of`.
        UserError: What lies elsewhere cannot be reached.
    """
    text = os.fspath(path)
    if (named := split(text)) is None:
        return Elsewhere(address_of(text)) if is_remote(text) else None
    shard, name = named
    if shard.lower().endswith(TABLE):
        there = is_remote(shard) or os.path.isfile(shard)
        return Row.of(shard, name) if there else None
    if shard.lower().endswith(LANCE):
        return Row(lances.value_of(shard, name)) if os.path.isdir(shard) else None
    if shard.lower().endswith(LMDB):
        return Row(lmdbs.value_of(shard, name)) if os.path.exists(shard) else None
    try:
        return tars.member(shard, name)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        if is_remote(shard) or os.path.isfile(shard):
            raise
        return None  # whose name only looks like that


def rows_of(table: str | os.PathLike) -> int:
    """Returns how many rows a Parquet file of images has.

    Raises:
        OSError: It cannot be read.
        UserError: It holds no images, or pyarrow is not installed.
    """
    return _table_of(table).rows


def _table_of(table: str | os.PathLike) -> "ImageTable":
    """Returns a Parquet file of images, as it is now."""
    shard = Shard.at(table)
    return _table(shard, shard.copy())


@functools.lru_cache(maxsize=64)
def _table(shard: Shard, copy: Path | None) -> "ImageTable":
    from .parquet import ImageTable

    return ImageTable(Path(shard.path), copy, shard.identity)


def split(path: str | os.PathLike) -> tuple[str, str] | None:
    """Returns the file and the member that a path looks like; None: like neither."""
    text = os.fspath(path)
    if MARK not in text:
        return None
    for suffix in SHARDS:
        if (at := text.lower().find(suffix + MARK)) >= 0:
            end = at + len(suffix)
            return text[:end], text[end + 1 :]
    return None


def is_shard(path: str | os.PathLike) -> bool:
    """Whether a path has the ending of a tar, of Parquet, of LMDB or of Lance."""
    return os.fspath(path).lower().endswith(SHARDS)


def tag_of(path: str | os.PathLike) -> str:
    """Returns what tells a file's content from an earlier one of its size.

    That is its time, or of what lies elsewhere what its service says; of a member that
    of what it is in.

    Args:
        path: A file, or a member, that is there.

    Raises:
        OSError: It is not.
    """
    inside = split(path)
    place = inside[0] if inside and not _is_plain(path) else path
    if os.fspath(place).lower().endswith(LANCE):
        return lances.tag_of(place)
    if os.fspath(place).lower().endswith(LMDB) and os.path.isdir(place):
        place = os.path.join(place, lmdbs.DATA)
    return Shard.at(place).tag


def _is_plain(path: str | os.PathLike) -> bool:
    return not is_remote(path) and os.path.isfile(path)


def exists(path: str | os.PathLike) -> bool:
    """Whether a file or a member is there."""
    try:
        found = find(path)
        if isinstance(found, Elsewhere):
            return files.is_file(found.address)
        return found is not None or os.path.isfile(path)
    except OSError:
        return False


def looked_through(shards: Iterable[Path]) -> None:
    """Makes the indexes of shards that lie elsewhere, several at once."""
    far = [shard for shard in shards if is_remote(shard)]
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(_look_at, far):
            pass


def _look_at(shard: Path) -> None:
    try:
        if shard.suffix.lower() == TABLE:
            rows_of(shard)
        else:
            index_of(shard)
    except OSError:
        pass  # who lists it says so

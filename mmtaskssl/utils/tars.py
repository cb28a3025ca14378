"""Tars that are read at random: where each member lies, made once.

The index of one with many members is kept in the user's cache, and used while size and
time of the tar are the same; of one that lies elsewhere, while the service says so. A
tar that is packed by gzip is unpacked once, see `kept`.
"""

import contextlib
import functools
import gzip
import hashlib
import io
import os
import posixpath
import tarfile
import zipfile
import zlib
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from . import kept
from .atomic import atomic_path
from .shard import BLOCK, BadShard, Shard

if TYPE_CHECKING:
    import numpy as np

# Fewer members are looked through as fast as an index is read.
_KEPT = 1000
_VERSION = 1
_GZIP = b"\x1f\x8b"
_PACKED = (b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_MODULO = 1 << 32


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
        first: Its first byte in the tar; of a packed one, in what it unpacks to.
        size: In bytes.
    """

    shard: Shard
    name: str
    first: int
    size: int

    def opened(self) -> BinaryIO:
        """Opens what it holds."""
        return io.BytesIO(self.read())

    def read(self) -> bytes:
        """Returns what it holds.

        Raises:
            OSError: The tar cannot be read.
            BadShard: It ends before the member does.
        """
        if _is_packed(self.shard):
            with _unpacked(self.shard) as file:
                file.seek(self.first)
                content = file.read(self.size)
        else:
            content = self.shard.read(self.first, self.size)
        if len(content) < self.size:
            raise BadShard(f"the tar ends within {self.name}")
        return content


def member(shard: str | os.PathLike, name: str) -> Member:
    """Returns a file in a tar.

    Raises:
        OSError: There is none, or the tar cannot be read.
        BadShard: See `index_of`.
    """
    tar = Shard.at(shard)
    return Member(tar, name, *_index(tar).place(name))


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
        BadShard: It is none, is packed otherwise than by gzip or cut short, or has two
            members of one name.
    """
    return _index(Shard.at(shard))


@functools.cache
def _index(shard: Shard) -> Index:
    import numpy as np

    identity = hashlib.sha256(
        f"{_VERSION}\0{shard.identity}".encode("utf-8", "surrogateescape")
    ).hexdigest()
    file = _cache() / f"{identity[:32]}.npz"
    damaged = (ValueError, KeyError, EOFError, zipfile.BadZipFile)
    with (
        contextlib.suppress(OSError, *damaged),
        np.load(file, allow_pickle=False) as kept,
    ):
        return Index(*(kept[name] for name in ("names", "keys", "places")))
    if _is_packed(shard):
        with _unpacked(shard) as unpacked:
            index = _look_through(unpacked)
    else:
        with shard.opened() as tar:
            index = _look_through(tar)
    if shard.remote or len(index.keys) >= _KEPT:
        # A cache that cannot be written costs time alone.
        with contextlib.suppress(OSError), atomic_path(file) as temporary:
            np.savez(temporary, **vars(index))
    return index


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "mmtaskssl" / "shards"


@functools.cache
def _is_packed(shard: Shard) -> bool:
    head = shard.read(0, 8) if shard.size else b""
    if head.startswith(_PACKED):
        raise BadShard(
            "it is compressed, and not by gzip, which cannot be read at random: "
            "unpack it"
        )
    return head.startswith(_GZIP)


def _unpacked(shard: Shard) -> BinaryIO:
    """Opens what a packed tar unpacks to, which is done once."""
    identity = f"unpacked\0{shard.identity}"
    while True:
        path = kept.find(identity)
        if path is None:
            fill = functools.partial(_unpack, shard)
            path = kept.keep(identity, _unpacked_size(shard), fill)
        if path is None:
            raise _no_room()
        with contextlib.suppress(FileNotFoundError):  # another one needed the room
            return open(path, "rb")


def _unpacked_size(shard: Shard) -> int:
    """Returns what gzip says, which is modulo 4 GiB; images hardly become smaller."""
    size = int.from_bytes(shard.read(max(0, shard.size - 4), 4), "little")
    return size + max(0, -((size - shard.size * 9 // 10) // _MODULO)) * _MODULO


def _unpack(shard: Shard, out: BinaryIO) -> None:
    try:
        with (
            shard.opened(copies=False) as packed,
            gzip.GzipFile(fileobj=packed) as file,
        ):
            while block := file.read(BLOCK):
                if out.tell() + len(block) > kept.limit():
                    raise _no_room()
                out.write(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadShard(
            f"it is compressed, and damaged or cut short ({error})"
        ) from error


def _no_room() -> BadShard:
    return BadShard(
        "it is compressed, and there is no room to unpack it in the cache "
        f"{kept.folder()}: unpack it yourself, or let the cache have more than "
        f"{kept.limit() / 10**9:g} GB, by the environment variable {kept.LIMIT}"
    )


def _look_through(file: BinaryIO) -> Index:
    import numpy as np

    names: list[str] = []
    places: list[tuple[int, int]] = []
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for info in tar:
                tar.members = []  # which it would keep
                if info.isreg() and not info.issparse():
                    names.append(posixpath.normpath(info.name).lstrip("/"))
                    places.append((info.offset_data, info.size))
            # It takes a damaged header for the end.
            file.seek(tar.offset)
            if any(file.read(512)):
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

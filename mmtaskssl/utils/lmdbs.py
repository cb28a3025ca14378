"""Images in LMDB: a key's value is an image's file, by lmdb, where it is installed."""

import functools
import os
from pathlib import Path, PurePosixPath
from typing import Any

from .families import PackageMissing
from .shard import BadShard, Shard

#: The file in a folder that is LMDB.
DATA = "data.mdb"
# First bytes of what is an image; other values count, or describe, or label.
_HEADS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*"),
    *(b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51", b"P5", b"P6", b"v/1\x01", b"#?RADIANCE"),
)


def keys_of(shard: str | os.PathLike) -> list[str]:
    """Returns the keys of the images, in the order of LMDB.

    Raises:
        BadShard: It is none, or has a key that is no name.
        UserError: lmdb is not installed.
    """
    found = []
    with _opened(shard).begin(buffers=True) as reading:
        for key, value in reading.cursor():
            if _is_image(bytes(value[:12])):
                name = bytes(key).decode("utf-8", "surrogateescape")
                if str(PurePosixPath(f"x#{name}")) != f"x#{name}" or "\0" in name:
                    raise BadShard(f"its key {name!r} cannot be part of an image's id")
                found.append(name)
    return found


def value_of(shard: str | os.PathLike, key: str) -> bytes:
    """Returns the image of a key.

    Raises:
        FileNotFoundError: There is none.
        BadShard: See `keys_of`.
        UserError: See `keys_of`.
    """
    with _opened(shard).begin() as reading:
        found: bytes | None = reading.get(key.encode("utf-8", "surrogateescape"))
    if found is None:
        raise FileNotFoundError(2, "there is no such key", key)
    return found


def _is_image(head: bytes) -> bool:
    boxed = head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
    return boxed or head.startswith(_HEADS)


def _opened(shard: str | os.PathLike) -> Any:
    folder = os.path.isdir(shard)
    return _environment(Shard.at(Path(shard, DATA) if folder else shard), folder)


# It is mapped into memory, and read without locks: forked processes share it.
@functools.lru_cache(maxsize=64)
def _environment(shard: Shard, folder: bool) -> Any:
    try:
        import lmdb
    except ImportError as error:
        raise PackageMissing(
            f"{shard.path} needs lmdb: pip install 'mmtaskssl[lmdb]'"
        ) from error
    if shard.remote:
        raise BadShard("LMDB is mapped into memory: copy it to a disk")
    path = os.path.dirname(shard.path) if folder else shard.path
    try:
        return lmdb.open(
            path, subdir=folder, readonly=True, lock=False, readahead=False
        )
    except lmdb.Error as error:
        raise BadShard(f"it is no LMDB ({error})") from error

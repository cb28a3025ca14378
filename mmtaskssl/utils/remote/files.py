"""Reading and listing what lies elsewhere."""

import contextlib
import io
import math
import os
import re
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..families import BadImageSource, FileMissing
from .addresses import address_of, opening
from .service import system_of, tried

# Seconds for which what is known of a file is taken to be so.
_FRESH = 60.0
_KNOWN = 1_000_000
_THREADS = 16
# What services say of a file that tells it from an earlier one of its name.
_TAGS = (
    *("ETag", "etag", "md5Hash", "Content-MD5", "content_md5", "Digest", "generation"),
    *("blob_id", "oid", "version_id", "checksum", "LastModified", "last_modified"),
    *("Last-Modified", "mtime", "modified", "updated", "created"),
)
_IS_FILE = re.compile(r"\.[A-Za-z0-9]{1,8}$")


@dataclass(frozen=True)
class Stat:
    """What is known of a file elsewhere.

    Attributes:
        size: In bytes.
        tag: Tells its content from another, as the service has it; "" if it has none.
        is_folder: Whether it is no file.
    """

    size: int
    tag: str
    is_folder: bool


# Forked processes inherit it, and so need not ask again.
_known: OrderedDict[str, tuple[float, Stat]] = OrderedDict()


def stat(path: str | os.PathLike, fresh: bool = False) -> Stat:
    """Returns what is known of a file, which may be a minute old.

    Args:
        path: Its address.
        fresh: Ask now.

    Raises:
        FileNotFoundError: There is none.
        UserError: The place cannot be reached, or its package is not installed.
    """
    address = address_of(path)
    now = time.monotonic()
    if not fresh and (found := _known.get(address)) is not None and now < found[0]:
        return found[1]

    def ask(system: Any, name: str) -> Any:
        system.invalidate_cache()  # a listing that it keeps may be older
        return system.info(name)

    here = _stat_of(tried(address, ask))
    _known[address] = now + _FRESH, here
    while len(_known) > _KNOWN:
        _known.popitem(last=False)
    return here


def _stat_of(info: Any) -> Stat:
    tags = (f"{tag}={info[tag]}" for tag in _TAGS if info.get(tag))
    size = int(info.get("size") or 0)
    return Stat(size, next(tags, ""), info.get("type") == "directory")


def forget(address: str) -> None:
    """Drops what was known of a file: it was written, or removed."""
    _known.pop(address, None)


def is_file(path: str | os.PathLike) -> bool:
    """Whether a file of an address is there."""
    try:
        return not stat(path).is_folder
    except FileNotFoundError:
        return False


def is_folder(path: str | os.PathLike) -> bool:
    """Whether an address is of a folder, or of what stands for one."""
    address = address_of(path)
    if address.startswith(("http://", "https://")):  # which knows pages alone
        return _IS_FILE.search(address.rpartition("/")[2]) is None
    try:
        return stat(path).is_folder
    except FileNotFoundError:
        return False


def are_files(addresses: list[str]) -> list[bool]:
    """Whether there are files of some addresses, asked for at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(is_file, addresses))


def read(
    path: str | os.PathLike, first: int | None = None, count: int | None = None
) -> bytes:
    """Returns the bytes of a file, or some of them.

    Args:
        path: Its address.
        first: Of them; None: all.
        count: How many from there on, fewer if the file ends.

    Raises:
        FileNotFoundError: There is none.
        UserError: See `stat`.
    """
    address = address_of(path)
    if first is None or count is None:
        return tried(address, lambda system, name: system.cat_file(name))

    def some(system: Any, name: str) -> bytes:
        found: bytes = system.cat_file(name, start=first, end=first + count)
        if len(found) > count:  # a server that knows no ranges sent all
            return found[first : first + count]
        return found

    return tried(address, some)


class RemoteFile(io.RawIOBase):
    """A file elsewhere, which is read where it is asked for.

    Args:
        path: Its address.
        known: What is known of it.
    """

    def __init__(self, path: str | os.PathLike, known: Stat) -> None:
        self.address, self.known, self._place = address_of(path), known, 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read anywhere."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place."""
        start = {os.SEEK_CUR: self._place, os.SEEK_END: self.known.size}
        self._place = max(0, start.get(whence, 0) + offset)
        return self._place

    def tell(self) -> int:
        """Returns the place."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Reads from the place on."""
        count = min(len(buffer), self.known.size - self._place)
        if count <= 0:
            return 0
        content = read(self.address, self._place, count)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def opened(path: str | os.PathLike, buffer: int = 1 << 20) -> io.BufferedReader:
    """Opens a file, to be read anywhere.

    Args:
        path: Its address.
        buffer: Bytes that are fetched at once.

    Raises:
        OSError: There is none, or it is a folder.
        UserError: See `stat`.
    """
    found = stat(path)
    if found.is_folder:
        raise IsADirectoryError(21, "it is a folder", address_of(path))
    return io.BufferedReader(RemoteFile(path, found), max(1, min(buffer, found.size)))


def found_in(folder: str | os.PathLike, lasting: Collection[str]) -> Iterator[str]:
    """Yields the files below a folder, relative to it.

    Args:
        folder: Its address.
        lasting: Endings, in lower case, of files that are read whole: what is known of
            these is not asked for again.

    Raises:
        UserError: See `stat`.
    """
    address = address_of(folder).rstrip("/")
    at = f"{address}/" if address.startswith("http") else address
    if address.startswith("http") and "?" in opening(address):
        raise BadImageSource(
            f"{address} is a signed address of a folder, whose list does not say what "
            "opens the files in it: name tars, or a list of images"
        )
    found = tried(at, lambda system, name: system.find(name, detail=True))
    if not found and address.startswith("http"):
        # Of a page that cannot be had fsspec lists nothing, and does not say so.
        try:
            tried(at, lambda system, name: system.cat_file(name))
        except FileNotFoundError as error:
            raise FileMissing(f"image source {address} does not exist") from error
    infos = found.values()
    for info, inner in zip(infos, _below(address, list(found)), strict=True):
        if inner is None:
            continue
        if os.path.splitext(inner)[1].lower() in lasting and len(_known) < _KNOWN:
            _known[f"{address}/{inner}"] = math.inf, _stat_of(info)
        yield inner


def fitting(pattern: str) -> list[str]:
    """Returns the addresses of the files that fit a pattern, sorted.

    Raises:
        UserError: See `stat`.
    """
    address = address_of(pattern)
    fixed = re.split(r"[*?\[]", address, maxsplit=1)[0].rpartition("/")[0]
    if address.startswith("http") and "?" in opening(address):
        raise BadImageSource(
            f"{address} is a signed pattern, whose list the signature does not open: "
            "count the files, as in pool-{000..099}.tar, or name a list"
        )
    names = tried(address, lambda system, name: list(system.glob(name)))
    if not names:
        # Of a folder that cannot be listed fsspec finds nothing, and does not say so.
        with contextlib.suppress(FileNotFoundError):
            tried(address, lambda system, _: _seen(system, fixed))
    return sorted(f"{fixed}/{name}" for name in _below(fixed, names) if name)


def _seen(system: Any, folder: str) -> None:
    """Raises what keeps a folder from being listed."""
    if folder.startswith("http"):
        system.cat_file(opening(f"{folder}/"))
    else:
        system.ls(system._strip_protocol(opening(folder)), refresh=True)


def below(folder: str, found: Mapping[str, Any]) -> dict[str, Stat]:
    """Returns what is known of files that fsspec lists, by their paths in a folder."""
    pairs = zip(found.values(), _below(folder, list(found)), strict=True)
    return {inner: _stat_of(info) for info, inner in pairs if inner is not None}


def _below(folder: str, names: list[str]) -> Iterator[str | None]:
    """Yields names that fsspec lists, relative to a folder; None: it is not below."""
    full = opening(folder)
    start = system_of(full)[1].rstrip("/") + "/"
    for name in names:
        inner = name.partition("?")[0] if folder.startswith("http") else name
        inner = inner if inner.startswith(("/", "http")) else f"/{inner}"
        own = start if start.startswith(("/", "http")) else f"/{start}"
        below = inner.startswith(own) and not inner.endswith("/")
        yield inner[len(own) :] if below else None

"""Addresses such as ``s3://bucket/pool/1.jpg``, as texts and as paths.

What opens an address (its user and password, or a signature behind ``?``) is taken off
where it is given, and kept in this process and those it starts: ids, roots, manifests
and messages are of the bare address. As a path an address has lost one of its slashes,
``s3:/bucket/pool/1.jpg``; both are read alike.
"""

import atexit
import contextlib
import functools
import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from ..redaction import WITH_ACCOUNT

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(//?)(?=.)")
# fmt: off
# Those that are known without fsspec, also with a slash less.
_COMMON = frozenset((
    "abfs", "abfss", "adl", "az", "ftp", "gcs", "gs", "hdfs", "hf", "http", "https",
    "memory", "oss", "s3", "s3a", "sftp", "ssh", "webdav", "webhdfs",
))
# fmt: on
# Whose names end at a question mark.
_WITH_QUERY = frozenset(("http", "https"))
# Names the file by which processes that are started know what opens an address.
_HANDED = "MMTASKSSL_ADDRESSES"
_opens: dict[str, str] = {}
_read_of: dict[str, int] = {}


def is_remote(path: str | os.PathLike) -> bool:
    """Whether a path is an address of another place; ``file://`` is one of this."""
    if ":/" not in (text := os.fspath(path)):
        return False
    if (found := _ADDRESS.match(text)) is None or found[1].lower() == "file":
        return False
    return found[2] == "//" or _is_protocol(found[1].lower())


@functools.cache
def _is_protocol(name: str) -> bool:
    if name in _COMMON:
        return True
    try:
        from fsspec.registry import known_implementations, registry
    except ImportError:
        return False
    return name in registry or name in known_implementations


def address_of(path: str | os.PathLike) -> str:
    """Returns the address that a path of one stands for, with both slashes.

    Args:
        path: Of which `is_remote` is true.
    """
    found = _ADDRESS.match(text := os.fspath(path))
    assert found is not None
    return f"{found[1].lower()}://{text[found.end() :].lstrip('/')}"


def anchored(path: str | os.PathLike) -> Path:
    """Returns an absolute path of what is here, and leaves an address as it is."""
    return Path(path) if is_remote(path) else Path(path).absolute()


def shown(path: str | os.PathLike) -> str:
    """Returns a path as its reader knows it, an address with both slashes."""
    return address_of(path) if is_remote(path) else os.fspath(path)


def named(path: str | os.PathLike, resolve: bool = False) -> str:
    """Returns the text by which a folder of images is found again from anywhere.

    Args:
        path: The folder.
        resolve: Follow links.
    """
    if is_remote(path):
        return address_of(path)
    return str(Path(path).resolve()) if resolve else os.path.abspath(path)


def bare(source: str) -> str:
    """Returns an address without what opens it, and a path as it is.

    ``file:///my/pool`` becomes ``/my/pool``.
    """
    return _parted(source)[0]


def learned(sources: Iterable[str]) -> list[str]:
    """Returns addresses bare, and keeps what opens them.

    Args:
        sources: Addresses, or paths, which stay as they are.
    """
    found, new = [], {}
    for source in sources:
        plain, opens = _parted(source)
        found.append(plain)
        new |= {place: key for place, key in opens.items() if _opens.get(place) != key}
    if new:
        _opens.update(new)
        _hand_on(new)
    return found


def _parted(source: str) -> tuple[str, dict[str, str]]:
    if ":/" not in source or (found := _ADDRESS.match(source)) is None:
        return source, {}
    scheme, rest = found[1].lower(), source[found.end() :]
    if scheme == "file":
        return f"/{unquote(rest).lstrip('/')}", {}
    if not is_remote(source):
        return source, {}
    opens = {}
    first, slash, behind = rest.partition("/")
    user, mark, host = first.rpartition("@")
    if mark and (scheme not in WITH_ACCOUNT or ":" in user):
        opens[f"{scheme}://{host}"] = f"{user}@"
        rest = f"{host}{slash}{behind}"
    if scheme in _WITH_QUERY and "?" in rest:
        rest, _, query = rest.partition("?")
        query, mark, inside = query.partition("#")  # a member of what is signed
        opens[f"{scheme}://{rest}"] = f"?{query}"
        rest += mark + inside
    return f"{scheme}://{rest}", opens


def opening(address: str) -> str:
    """Returns an address with what opens it, to be given to fsspec alone."""
    _take_over()
    if not _opens:
        return address
    scheme, _, rest = address.partition("://")
    user = _opens.get(f"{scheme}://{rest.partition('/')[0]}", "")
    place = address
    while place.rstrip("/").count("/") > 2:  # of a folder that was signed, too
        if (query := _opens.get(place, "")).startswith("?"):
            return f"{scheme}://{user}{rest}{query}"
        place = place.rstrip("/").rpartition("/")[0]
    return f"{scheme}://{user}{rest}"


def _hand_on(new: dict[str, str]) -> None:
    """Writes what opens addresses where processes of this user that we start see it."""
    if (file := os.environ.get(_HANDED)) is None or not os.path.isfile(file):
        handle, file = tempfile.mkstemp(prefix="mmtaskssl-", suffix=".addresses")
        os.close(handle)  # made for its owner alone
        os.environ[_HANDED] = file
        atexit.register(_forget, file, os.getpid())
    with open(file, "a", encoding="utf-8") as lines:
        lines.write(json.dumps(new) + "\n")


def _forget(file: str, owner: int) -> None:
    if os.getpid() == owner:  # not a process that was forked
        with contextlib.suppress(OSError):
            os.unlink(file)


def _take_over() -> None:
    """Reads what the process that started this one knows."""
    if (file := os.environ.get(_HANDED)) is None:
        return
    with contextlib.suppress(OSError):
        size = os.stat(file).st_size
        if _read_of.get(file, 0) == size:
            return
        with open(file, encoding="utf-8") as lines:
            lines.seek(_read_of.get(file, 0))
            for line in lines.read().splitlines():
                _opens.update(json.loads(line))
        _read_of[file] = size

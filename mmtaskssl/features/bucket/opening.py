"""Opens a feature store under an address: by a copy of it in the cache."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...runs import RECORD, Record
from ...utils import kept
from ...utils.atomic import atomic_path
from ...utils.families import (
    FileDamaged,
    FileMissing,
    NotAResult,
    SystemRefused,
    Unfinished,
)
from ...utils.remote import files
from .. import layout

_BLOCK = 8 << 20


def copy_of(address: str) -> Path:
    """Returns a folder that has what a complete store at an address has.

    Its files lie in the cache, by their checksums: what is there is not fetched again.

    Args:
        address: Of the store, bare.

    Raises:
        UserError: There is no complete store, it cannot be reached, or has other bytes
            than its record says; or the cache has no room for it.
    """
    record, content = _record_of(address)
    names = [name for name in record.files if not name.startswith(layout.COPIES)]
    size = sum(record.files[name]["bytes"] for name in names)
    if size > kept.limit():
        raise _no_room(address, size)
    name = f"{address}\0".encode("utf-8", "surrogateescape") + content
    base = address.rstrip("/").rpartition("/")[2]
    folder = kept.folder().with_name("stores")
    folder = folder / hashlib.sha256(name).hexdigest()[:32] / base
    folder.mkdir(parents=True, exist_ok=True)
    for inner in names:
        fetch(address, inner, record.files[inner], folder)
    if not (folder / RECORD).is_file():
        with atomic_path(folder / RECORD) as temporary:
            temporary.write_bytes(content)
    return folder


def fetch(address: str, name: str, stated: Mapping[str, Any], folder: Path) -> None:
    """Sees to it that a file of a store is in the cache, and in its folder.

    Args:
        address: Of the store.
        name: Of the file.
        stated: Its bytes and SHA-256, as the record has them.
        folder: Receives a link to it.

    Raises:
        UserError: See `copy_of`.
    """
    far = f"{address}/{name}"

    def fill(out: BinaryIO) -> None:
        digest = hashlib.sha256()
        for first in range(0, stated["bytes"], _BLOCK):
            block = files.read(far, first, min(_BLOCK, stated["bytes"] - first))
            digest.update(block)
            out.write(block)
        if digest.hexdigest() != stated["sha256"]:
            raise FileDamaged(
                f"{far} is not what was written (its checksum differs): make it again"
            )

    identity = f"sha256 {stated['sha256']} {stated['bytes']}"
    try:
        found = kept.keep(identity, stated["bytes"], fill)
    except FileNotFoundError as error:
        raise FileDamaged(f"{address} lacks {name}: make it again") from error
    if found is None:
        raise _no_room(address, stated["bytes"])
    link = folder / name
    if not (link.is_symlink() and os.readlink(link) == str(found)):
        new = link.with_name(f".{name}.{os.getpid()}")
        new.symlink_to(found)
        os.replace(new, link)


def _record_of(address: str) -> tuple[Record, bytes]:
    from .writer import record_at  # which imports what the store is made of

    record = record_at(address)
    if record is None:
        if not files.is_folder(address):
            raise FileMissing(f"feature store {address} does not exist")
        raise NotAResult(
            f"{address} is not a feature store (no {RECORD}): extract the features of "
            "its images first"
        )
    if layout.MANIFEST not in (*record.files, *record.begun):
        raise NotAResult(f"{address} is a {record.kind}, and no feature store")
    if not record.complete:
        raise Unfinished(
            f"feature store {address} is incomplete: run the same extraction again to "
            "finish it"
        )
    return record, files.read(f"{address}/{RECORD}")


def _no_room(address: str, size: int) -> SystemRefused:
    return SystemRefused(
        f"feature store {address} has {size:,} bytes, and the cache in {kept.folder()} "
        f"no room for them: raise {kept.LIMIT}, free some of the disk, or copy the "
        "store to a folder"
    )

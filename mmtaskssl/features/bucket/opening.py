"""What is fetched of a feature store under an address: to the cache, and when."""

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...runs import RECORD, Record
from ...utils import kept, kept_folders
from ...utils.atomic import atomic_path
from ...utils.errors import option
from ...utils.families import (
    FileDamaged,
    FileMissing,
    NotAResult,
    SystemRefused,
    Unfinished,
)
from ...utils.remote import files, writing
from .. import layout
from .place import NEXT, record_at

_BLOCK = 8 << 20


def copy_of(address: str) -> tuple[Path, Record, int | None]:
    """Returns a folder that has what a complete store at an address has, but shards.

    Of these it is looked whether they are there, and as long as they should be, where
    that can be asked for all at once.

    Args:
        address: Of the store, bare.

    Returns:
        The folder, in the cache; the store's record; and what holds the folder there,
        see `kept_folders.hold`.

    Raises:
        UserError: There is no complete store, it cannot be reached, or has other bytes
            than its record says.
    """
    record, content = _record_of(address)
    listable = not address.startswith(("http://", "https://"))  # which tell no sizes
    known = writing.listed(address) if listable else {}
    for name, stated in record.files.items() if listable else ():
        if name not in known or known[name].size != stated["bytes"]:
            if any(name.startswith(f"{NEXT}/") for name in known):
                raise Unfinished(
                    f"the last files of what is added to {address} are not all there: "
                    "if that was interrupted, run the same command again, with "
                    + option("append", of="extract")
                )
            raise FileDamaged(f"{address} lacks {name}, or a part of it: make it again")
    identity = f"{address}\0".encode("utf-8", "surrogateescape") + content
    place = kept.folders() / hashlib.sha256(identity).hexdigest()[:32]
    held = kept_folders.hold(place)
    folder = place / address.rpartition("/")[2]
    try:
        _fill_copy(folder, address, record, content)
    except BaseException:
        if held is not None:
            os.close(held)
        raise
    return folder, record, held


def _fill_copy(folder: Path, address: str, record: Record, content: bytes) -> None:
    """Fetches what a copy lacks; others in the cache may have to go for it."""
    if not (folder / RECORD).is_file():
        for name, stated in record.files.items():
            if not is_shard_file(name):
                with (
                    atomic_path(folder / name) as temporary,
                    open(temporary, "wb") as out,
                ):
                    _filling(f"{address}/{name}", stated)(out)
        with atomic_path(folder / RECORD) as temporary:
            temporary.write_bytes(content)
        kept.trim()


def is_shard_file(name: str) -> bool:
    """Whether a file of a store is one of its shards."""
    return name.startswith("shard-")


def fetch_shard(address: str, path: Path, stated: Mapping[str, Any]) -> None:
    """Sees to it that a shard is in the cache, and linked to from its folder.

    By its checksum: what is in the cache is not fetched again.

    Args:
        address: Of the store.
        path: The link.
        stated: Its bytes and SHA-256, as the record has them.

    Raises:
        UserError: It cannot be reached, has other bytes, or the cache has no room.
    """
    if path.exists():
        return
    identity = f"sha256 {stated['sha256']} {stated['bytes']}"
    far = f"{address}/{path.name}"
    found = kept.keep(identity, stated["bytes"], _filling(far, stated))
    if found is None:
        raise SystemRefused(
            f"{far} has {stated['bytes']:,} bytes, and the cache in {kept.folder()} no "
            f"room for them: raise {kept.LIMIT}, free some of the disk, or copy the "
            "store to a folder"
        )
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    new.symlink_to(found)
    os.replace(new, path)


def _filling(far: str, stated: Mapping[str, Any]) -> Callable[[BinaryIO], None]:
    """Returns what fetches a file, and refuses another one than was written."""

    def fill(out: BinaryIO) -> None:
        digest = hashlib.sha256()
        try:
            for first in range(0, stated["bytes"], _BLOCK):
                block = files.read(far, first, min(_BLOCK, stated["bytes"] - first))
                digest.update(block)
                out.write(block)
        except FileNotFoundError as error:
            raise FileDamaged(f"{far} is not there any more: make it again") from error
        if digest.hexdigest() != stated["sha256"]:
            raise FileDamaged(
                f"{far} is not what was written (its checksum differs): make it again"
            )

    return fill


def _record_of(address: str) -> tuple[Record, bytes]:
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

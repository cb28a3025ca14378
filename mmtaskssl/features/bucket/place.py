"""What lies under the address of a store beside its files, and its record."""

import hashlib
import tempfile
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ...runs import RECORD, Record
from ...utils.errors import UserError
from ...utils.remote import files, writing
from .. import layout
from .claims import CLAIMS

#: Of written shards; of what is being added, by what to; of who replaces it.
PARTS, NEXT, REPLACING = ".parts", ".next", ".replacing"
_PASSING = (f"{PARTS}/", f"{CLAIMS}/", f"{NEXT}/", f"{REPLACING}/", ".trial-")
_THREADS = 16


def is_passing(name: str) -> bool:
    """Whether a file stands there only as long as a store is filled."""
    return name.startswith(_PASSING)


def sweep(
    address: str,
    shards: Collection[int],
    but: str = "",
    names: Iterable[str] | None = None,
) -> None:
    """Removes what stands there only as long as a store is filled.

    Args:
        address: Of the store, whose record is whole.
        shards: Those that were made; others' are perhaps being made.
        but: Tag of the record: of it there may be a plan to add to it.
        names: Files that were there before that record was read; None: that are now.
    """
    gone, plans = [], []
    for name in writing.listed(address) if names is None else names:
        place, _, inner = name.partition("/")
        number = inner.removeprefix("shard-").partition(".")[0]
        if place in (PARTS, CLAIMS):
            gone += [name] * (number.isdecimal() and int(number) in shards)
        elif place == NEXT:
            plans += [name] * (inner.partition("/")[0] != but)
        elif is_passing(name):
            gone.append(name)
    remove_all(address, gone)
    # The record of a plan goes last: only then another one is made.
    for name in sorted(plans, key=lambda name: name.endswith(f"/{RECORD}")):
        writing.remove(f"{address}/{name}")


def remove_all(address: str, names: Iterable[str]) -> None:
    """Removes files, several at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(writing.remove, [f"{address}/{name}" for name in names]):
            pass


def as_bytes(record: Record) -> bytes:
    """Returns what a record is written as."""
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as folder:
        record.write(Path(folder))
        return Path(folder, RECORD).read_bytes()


def tagged_record_at(address: str) -> tuple[Record | None, str]:
    """Returns the record of an address, and what tells it from any other of it."""
    try:
        content = files.read(f"{address}/{RECORD}")
    except FileNotFoundError:
        return None, ""
    tag = hashlib.sha256(content).hexdigest()[:16]
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as folder:
        Path(folder, RECORD).write_bytes(content)
        try:
            return Record.read(folder), tag
        except UserError as error:
            text = str(error).replace(folder, address)
            raise type(error)(text) from error


def record_at(address: str) -> Record | None:
    """Reads the record of an address; None: it has none.

    Raises:
        UserError: It is damaged, or a newer version's.
    """
    return tagged_record_at(address)[0]


def ids_at(address: str) -> list[str]:
    """Reads the ids of an address."""
    text = files.read(f"{address}/{layout.IDS}").decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").split("\n")

"""When a shard that lies elsewhere is copied to the cache, and when it is not.

A shard that is read again and again is fetched whole as long as the cache has room. Of
a larger set only shards that are read from end to end, as an extraction does, push out
others; images that are drawn from all over it are fetched by themselves, so that
training never fetches a whole shard for one of them.
"""

import functools
import os
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import BinaryIO

from .. import kept
from ..families import Unreachable
from . import files

# Reads of a shard in this process before it is worth its copy.
_READS = 3
# Reads one after the other that are taken for those of a whole shard.
_IN_A_ROW = 8
# Share of the cache that one shard may have, if others must go.
_SHARE = 4
_BLOCK = 8 << 20
# Seconds for which a cache without room is not asked again.
_FULL = 30.0


class _Reads:
    """What a process has read last."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.last: deque[str] = deque(maxlen=_IN_A_ROW)
        self.full: dict[str, float] = {}
        self.lock = threading.Lock()

    def wants(self, identity: str, size: int, whole: bool) -> tuple[bool, bool]:
        """Whether a shard is to be fetched, and whether others may go for it."""
        with self.lock:
            self.counts[identity] += 1
            self.last.append(identity)
            row = len(self.last) == _IN_A_ROW and set(self.last) == {identity}
            often = whole or self.counts[identity] >= _READS
            if time.monotonic() < self.full.get(identity, 0.0) and not row:
                often = False
        return often, row and size * _SHARE <= kept.limit()

    def had_no_room(self, identity: str) -> None:
        """Remembers that there was none."""
        with self.lock:
            self.full[identity] = time.monotonic() + _FULL


@functools.lru_cache(maxsize=1)
def _reads(process: int) -> _Reads:
    return _Reads()


def copied(address: str, identity: str, size: int, whole: bool = False) -> Path | None:
    """Returns the copy of a file from elsewhere, and makes it if that is worth it.

    Args:
        address: Of the file.
        identity: Tells its content from any other.
        size: In bytes.
        whole: All of it is to be read now.

    Returns:
        The copy, which may be removed at any time; None: there is none, read what is
        needed where it lies.

    Raises:
        UserError: The file cannot be read, or changes meanwhile.
    """
    if (found := kept.find(identity)) is not None:
        return found
    reads = _reads(os.getpid())
    fetch, replace = reads.wants(identity, size, whole)
    if not fetch:
        return None

    def fill(out: BinaryIO) -> None:
        for first in range(0, size, _BLOCK):
            block = files.read(address, first, min(_BLOCK, size - first))
            if len(block) < min(_BLOCK, size - first):
                raise _changed(address)
            out.write(block)
        now = files.stat(address, fresh=True)
        if f"{address}\0{now.size}\0{now.tag}" != identity:
            raise _changed(address)

    found = kept.keep(identity, size, fill, replace)
    if found is None:
        reads.had_no_room(identity)
    return found


def _changed(address: str) -> Unreachable:
    return Unreachable(f"{address} has changed while it was read: run the same again")

"""Which shards a process computes, when others compute the same store."""

import contextlib
from collections.abc import Iterator, Sequence

from ..runs import Busy, locked
from . import layout
from .writer import FeatureStoreWriter


class Claims:
    """Takes one shard after another, each under its lock until it is written.

    Processes that were started apart, such as the jobs of an array, so share a store;
    what a killed one had taken is free at once.

    Args:
        writer: The store.
    """

    def __init__(self, writer: FeatureStoreWriter):
        self.writer = writer
        self._held: dict[int, contextlib.ExitStack] = {}

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_: object) -> None:
        for index in list(self._held):
            self.release(index)

    def take(self, shards: Sequence[int]) -> Iterator[int]:
        """Yields those shards that nobody else holds or has written."""
        for index in shards:
            lock = contextlib.ExitStack()
            path = layout.shard_path(self.writer.path, index)
            try:
                lock.enter_context(locked(path))
            except Busy:
                continue
            if path.exists():
                lock.close()
                continue
            self._held[index] = lock
            layout.remove_litter(self.writer.path, path.name)
            yield index

    def release(self, index: int) -> None:
        """Lets go of a shard: it is written."""
        self._held.pop(index).close()

    def wait(self, shard: int) -> None:
        """Returns once nobody holds a shard; it may be written then, or not."""
        with locked(layout.shard_path(self.writer.path, shard), wait=True):
            pass

"""Which shards a process computes, when others compute the same store."""

import time
from collections.abc import Iterator, Sequence

from .. import runs
from . import layout, litter
from .writer import FeatureStoreWriter

# Seconds between two looks at what others do, at first and at most.
_PAUSES = 0.05, 2.0


class Claims:
    """Takes one shard after another, each claimed until it is written.

    Processes that were started apart, on one machine or on several that share the
    folder, so share a store. What a killed one had claimed is free at once on its
    machine, and after a lease on others, see `runs.Claims`.

    Args:
        writer: The store.
        lease: Seconds that a process of another machine may be silent.
    """

    def __init__(self, writer: FeatureStoreWriter, lease: float = runs.LEASE):
        self.writer = writer
        self._claims = runs.Claims(lease)

    def __enter__(self) -> "Claims":
        self._claims.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._claims.__exit__(*error)

    def take(self, shards: Sequence[int]) -> Iterator[int]:
        """Yields those shards that nobody else holds or has written."""
        for index in shards:
            path = layout.shard_path(self.writer.path, index)
            if path.exists() or not self._claims.take(path):
                continue
            if path.exists():  # written since
                self._claims.release(path)
                continue
            if self._claims.inherited:
                litter.remove_litter(self.writer.path, path.name)
            yield index

    def release(self, index: int) -> None:
        """Lets go of a shard: it is written."""
        self._claims.release(layout.shard_path(self.writer.path, index))

    def is_lost(self, index: int) -> bool:
        """Whether a shard that was taken here is another's now.

        This process was silent for so long that it was thought dead.
        """
        return not self._claims.holds(layout.shard_path(self.writer.path, index))

    def wait(self, shards: Sequence[int]) -> None:
        """Returns once one of some shards is written, or can be taken."""
        paths = [layout.shard_path(self.writer.path, index) for index in shards]
        pause, most = _PAUSES
        while not any(path.exists() or self._claims.is_free(path) for path in paths):
            time.sleep(pause)
            pause = min(1.5 * pause, most)

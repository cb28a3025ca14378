"""A feature store under an address, opened for reading."""

import contextlib
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from ...runs import Record, verify
from ...utils import kept_folders
from ...utils.families import FileDamaged
from ...utils.remote import files
from ...utils.remote.addresses import address_of, learned
from .. import layout
from ..store import FeatureStore
from .opening import copy_of, fetch_shard, is_shard_file

# Times that a shard is fetched which others push out of the cache.
_TRIES = 3


class BucketStore(FeatureStore):
    """A complete store under an address; its files are read from the cache.

    Use `FeatureStore.open`.

    Args:
        path: The address, as a path.
        manifest: See `FeatureStore`.
        folder: The copy.
        held: What holds it in the cache, see `kept_folders.hold`.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        folder: Path | None = None,
        held: int | None = None,
    ) -> None:
        super().__init__(path, manifest, folder)
        self._hold(held)
        record = Record.read(self.folder)
        assert record is not None
        self._stated = record.files

    def _hold(self, held: int | None) -> None:
        if held is not None:
            weakref.finalize(self, os.close, held)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Holds the copy in the process that was given the store, too."""
        self.__dict__.update(state)
        self._hold(kept_folders.hold(self.folder.parent))

    @classmethod
    def at(cls, path: str | os.PathLike) -> "BucketStore":
        """Opens the store of an address; see `FeatureStore.open`."""
        (plain,) = learned([os.fspath(path)])
        address = address_of(plain).rstrip("/")
        folder, record, held = copy_of(address)
        try:
            verify(folder, [name for name in record.files if not is_shard_file(name)])
            manifest = layout.read_manifest(folder)
        except BaseException:
            if held is not None:
                os.close(held)
            raise
        return cls(Path(address), manifest, folder, held)

    def open_copies(self) -> FeatureStore | None:
        """See `FeatureStore.open_copies`; a store that was copied there has them."""
        address = f"{address_of(self.path)}/{layout.COPIES}"
        if not files.is_file(f"{address}/{layout.MANIFEST}"):
            return None
        return FeatureStore.open(address)

    def verify(self) -> None:
        """See `FeatureStore.verify`; what the cache lacks is fetched."""
        names = [name for name in self._stated if is_shard_file(name)]
        for name in names:
            self._fetch(self.folder / name)
            verify(self.folder, [name])
        verify(self.folder, {*self._stated} - {*names})

    def _shard(self, index: int, rows: int) -> np.ndarray:
        path = layout.shard_path(self.folder, index)
        for _ in range(_TRIES):
            self._fetch(path)
            with contextlib.suppress(FileNotFoundError, FileDamaged):
                return super()._shard(index, rows)
            if path.exists():
                break  # else the cache gave its room to something else, just now
        return super()._shard(index, rows)

    def _fetch(self, path: Path) -> None:
        fetch_shard(address_of(self.path), path, self._stated[path.name])

"""A feature store under an address, opened for reading."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...runs import Record
from ...utils.families import FileDamaged
from ...utils.remote import files
from ...utils.remote.addresses import address_of, learned
from .. import layout
from ..store import FeatureStore
from .opening import copy_of, fetch


class BucketStore(FeatureStore):
    """A complete store under an address; its files are read from the cache.

    Use `FeatureStore.open`.

    Args:
        path: The address, as a path.
        manifest: See `FeatureStore`.
        folder: The copy.
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], folder: Path | None = None
    ) -> None:
        super().__init__(path, manifest, folder)
        record = Record.read(self.folder)
        assert record is not None
        self._stated = record.files

    @classmethod
    def at(cls, path: str | os.PathLike) -> "BucketStore":
        """Opens the store of an address; see `FeatureStore.open`."""
        (plain,) = learned([os.fspath(path)])
        address = address_of(plain).rstrip("/")
        folder = copy_of(address)
        return cls(Path(address), cls._checked_manifest(folder), folder)

    def open_copies(self) -> FeatureStore | None:
        """See `FeatureStore.open_copies`; a store that was copied there has them."""
        address = f"{address_of(self.path)}/{layout.COPIES}"
        if not files.is_file(f"{address}/{layout.MANIFEST}"):
            return None
        return FeatureStore.open(address)

    def _shard(self, index: int, rows: int) -> np.ndarray:
        path = layout.shard_path(self.folder, index)
        for _ in range(2):
            if not path.exists():  # the cache gave its room to something else
                fetch(
                    address_of(self.path),
                    path.name,
                    self._stated[path.name],
                    path.parent,
                )
            try:
                return super()._shard(index, rows)
            except FileDamaged:
                if path.exists():
                    raise
        return super()._shard(index, rows)

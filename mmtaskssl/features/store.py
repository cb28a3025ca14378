"""The feature store: extracted once, read by everyone."""

import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..report.result import Result
from ..runs import Record, verify
from ..utils.errors import UserError
from ..utils.families import FileDamaged, Unfinished
from ..utils.remote.addresses import is_remote, shown
from . import layout, table
from .comparing import check_same_extractor
from .saving import save_rows
from .sound import check_shard

# Rows that are converted at once.
_PIECE = 1024

__all__ = ["FeatureStore", "check_same_extractor"]


class FeatureStore(Result):
    """A complete store of L2-normalised features, opened for reading.

    Use `FeatureStore.open`. Shards are memory-mapped one at a time, so a store may be
    far larger than memory.

    Attributes:
        path: The store's folder, or address.
        manifest: What was extracted, from what, how (see ``features/layout.py``).
        folder: Where its files are read: ``path``, or a copy of what lies elsewhere.
    """

    def __init__(
        self, path: Path, manifest: dict[str, Any], folder: Path | None = None
    ):
        self.path, self.folder = path, folder or path
        self.manifest = manifest
        self._starts = layout.shard_starts(manifest)

    @classmethod
    def open(cls, path: str | os.PathLike) -> "FeatureStore":
        """Opens a complete store and checks that its files are there, and whole.

        All but the shards is compared with its checksums, of these sizes and shapes;
        the rest of each when its rows are first read. `verify` reads every byte. Of
        a store at an address each shard is then copied to the cache.

        Raises:
            UserError: No store, an unfinished one, or one with a damaged shard.
        """
        if is_remote(path):
            from .bucket.store import BucketStore  # which is one

            return BucketStore.at(path)
        path = Path(path)
        manifest = layout.read_manifest(path, checked=False)
        record = Record.read(path)
        listed = record.files if record is not None and record.complete else ()
        verify(path, [name for name in listed if not name.startswith("shard-")])
        layout.check_manifest(path, manifest)
        if record is None:
            layout.check_ids(path, manifest)
        if manifest["status"] != "complete":
            done = len(list(path.glob("shard-*.npy")))
            raise Unfinished(
                f"feature store {path} is incomplete ({done} of "
                f"{len(manifest['shard_rows'])} shards): run the same extraction again "
                "to finish it"
            )
        for index, rows in enumerate(manifest["shard_rows"]):
            layout.open_shard(path, index, rows, manifest["dim"])
        verify(path, deep=False)
        return cls(path, manifest)

    @classmethod
    def is_complete(cls, path: str | os.PathLike) -> bool:
        """Returns whether `open` would succeed."""
        try:
            cls.open(path)
        except UserError:
            return False
        return True

    def __len__(self) -> int:
        return self.manifest["rows"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({shown(self.path)!r}, {len(self)} x {self.dim})"

    @property
    def dim(self) -> int:
        """Features a row."""
        return self.manifest["dim"]

    @property
    def root(self) -> str:
        """Folder that the image ids are relative to; "" if unknown."""
        return self.manifest["root"]

    @property
    def class_names(self) -> list[str] | None:
        """Names of the labels, or None for a store without labels."""
        return self.manifest["class_names"]

    @functools.cached_property
    def image_ids(self) -> list[str]:
        """One id a row."""
        self._check_unchanged(layout.IDS)
        return layout.read_ids(self.folder, self.manifest)

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        """(rows,) int64 indices into `class_names`, -1 unknown; None without labels."""
        if self.class_names is None:
            return None
        self._check_unchanged(layout.LABELS)
        found = layout.read_labels(self.folder)[: len(self)]
        if len(found) < len(self) or found.max(initial=-1) >= len(self.class_names):
            raise FileDamaged(
                f"{self.folder / layout.LABELS} is damaged (it has not a class of "
                "class_names for each row): extract again"
            )
        return found

    @functools.cached_property
    def quarantine(self) -> list[dict[str, Any]]:
        """Rows without a usable feature: ``{"row", "image", "reason"}``, by row."""
        self._check_unchanged(layout.QUARANTINE)
        found = layout.read_quarantine(self.folder)
        if any(entry["row"] >= len(self) for entry in found):
            raise FileDamaged(
                f"{self.folder / layout.QUARANTINE} is damaged (it has rows beyond the "
                f"store's {len(self)}): extract again"
            )
        return found

    @property
    def bad_rows(self) -> np.ndarray:
        """Sorted int64 rows that are never used: of the quarantine, and removed."""
        zeros = np.array([entry["row"] for entry in self.quarantine], dtype=np.int64)
        return np.union1d(zeros, self.removed_rows)

    @property
    def removed_rows(self) -> np.ndarray:
        """Sorted int64 rows of images that were removed, see `remove_images`."""
        return layout.rows_of(self.manifest)

    @property
    def removed_ids(self) -> frozenset[str]:
        """Ids of the images that were removed."""
        return frozenset(self.image_ids[row] for row in self.removed_rows.tolist())

    @property
    def present(self) -> int:
        """Number of images that were not removed."""
        return len(self) - len(self.removed_rows)

    def _check_unchanged(self, name: str) -> None:
        """Refuses a file that somebody changed after the store was opened."""
        record = Record.read(self.folder)
        if record is not None and record.complete and name in record.files:
            verify(self.folder, [name])

    def iter_shards(
        self, skip: np.ndarray | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the first row and the memory-mapped (rows, dim) float16 features.

        Args:
            skip: (rows,) bool; a shard with no other rows is not opened.
        """
        for index, rows in enumerate(self.manifest["shard_rows"]):
            first = int(self._starts[index])
            if skip is None or not skip[first : first + rows].all():
                yield first, self._shard(index, rows)

    def read(self, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """Reads features into memory.

        Args:
            rows: Any rows in any order; None for all.

        Returns:
            (n, dim) float32.

        Raises:
            IndexError: A row outside the store.
        """
        import torch  # most of what opens a store does without it

        rows = np.arange(len(self)) if rows is None else self._checked(rows)
        out: np.ndarray = np.empty((len(rows), self.dim), dtype=np.float32)
        owner = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(owner, kind="stable")
        shards, first = np.unique(owner[order], return_index=True)
        for index, places in zip(
            shards.tolist(), np.split(order, first[1:]), strict=len(shards) > 0
        ):
            size = self.manifest["shard_rows"][index]
            shard = self._shard(index, size)
            for begin in range(0, len(places), _PIECE):
                some = places[begin : begin + _PIECE]
                half = shard[rows[some] - self._starts[index]]
                # numpy takes ten times as long to convert them.
                out[some] = torch.from_numpy(half).float().numpy()
        return out

    def _shard(self, index: int, rows: int) -> np.ndarray:
        """Maps a shard into memory; the first time in a process its bytes are read."""
        shard = layout.open_shard(self.folder, index, rows, self.dim)
        check_shard(layout.shard_path(self.folder, index), shard)
        return shard

    def _checked(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        wanted = np.asarray(rows, np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"rows must lie in 0..{len(self) - 1}")
        return wanted

    def open_copies(self) -> "FeatureStore | None":
        """Opens the store of its images' copies; None: none were made."""
        path = self.folder / layout.COPIES
        return FeatureStore.open(path) if path.is_dir() else None

    def verify(self) -> None:
        """Compares every byte with the checksums that were taken when it was written.

        Raises:
            UserError: A file has changed. A store of version 0.1 has no checksums.
        """
        verify(self.folder)

    def save(
        self,
        folder: str | os.PathLike,
        overwrite: bool = False,
        rows_per_shard: int = layout.ROWS_PER_SHARD,
    ) -> Path:
        """Writes the same rows, bit for bit, to a new folder; not those removed.

        Args:
            folder: It appears complete or not at all.
            overwrite: Replace a store that is there; anything else never is.
            rows_per_shard: Rows of each shard but the last.

        Raises:
            UserError: ``folder`` exists, or cannot be written.
        """
        save_rows(self, folder, overwrite, rows_per_shard)
        return Path(folder)

    def to_parquet(self, file: str | os.PathLike) -> Path:
        """Writes the rows as a table for other tools: image, label and embedding.

        `import_features` reads it back. `bad_rows` are left out.

        Args:
            file: The table; one of ours is replaced, nothing else is (UserError).
        """
        return table.write_table(self, file)

    def to_dict(self) -> dict[str, Any]:
        """Returns the manifest, and which images have no usable feature."""
        return {
            "store": shown(self.path),
            **self.manifest,
            "quarantine": self.quarantine,
        }

    def table(self) -> str:
        """Returns how much there is, and what is not usable."""
        text = f"{shown(self.path)}: {self.present:,} images, {self.dim} features each"
        if count := len(self.removed_rows):
            text += f"; {count:,} others were removed"
        if not len(self.quarantine):
            return text
        first = self.quarantine[0]
        return (
            f"{text}\n{len(self.quarantine)} images have no feature and are never "
            f"selected, listed in {self._quarantine_place}; the first: "
            f"{first['image']}: {first['reason']}"
        )

    @property
    def _quarantine_place(self) -> str:
        return shown(self.path / layout.QUARANTINE)

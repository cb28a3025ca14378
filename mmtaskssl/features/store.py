"""The feature store: extracted once, read by everyone."""

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.atomic import atomic_folder
from ..utils.errors import UserError
from ..utils.inputs import load_array
from . import layout
from .plan import writing
from .writer import FeatureStoreWriter


class FeatureStore:
    """A complete store of L2-normalised features, opened for reading.

    Use `FeatureStore.open`. Shards are memory-mapped one at a time, so a store may be
    far larger than memory.

    Attributes:
        path: The store's folder.
        manifest: What was extracted, from what, how (see ``features/layout.py``).
    """

    def __init__(self, path: Path, manifest: dict[str, Any]):
        self.path = path
        self.manifest = manifest
        self._starts = layout.shard_starts(manifest)

    @classmethod
    def open(cls, path: str | os.PathLike) -> "FeatureStore":
        """Opens a complete store and checks that its shards are there.

        Raises:
            UserError: No store, an unfinished one, or one with a damaged shard.
        """
        path = Path(path)
        manifest = layout.read_manifest(path)
        if manifest["status"] != "complete":
            done = len(list(path.glob("shard-*.npy")))
            raise UserError(
                f"feature store {path} is incomplete ({done} of "
                f"{len(manifest['shard_rows'])} shards): run the same "
                "extract_features command again to finish it"
            )
        for index, rows in enumerate(manifest["shard_rows"]):
            layout.open_shard(path, index, rows, manifest["dim"])
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
        return layout.read_ids(self.path, self.manifest)

    @functools.cached_property
    def labels(self) -> np.ndarray | None:
        """(rows,) int64 indices into `class_names`, -1 unknown; None without labels."""
        if self.class_names is None:
            return None
        return layout.read_labels(self.path)[: len(self)]

    @functools.cached_property
    def quarantine(self) -> list[dict[str, Any]]:
        """Rows without a usable feature: ``{"row", "image", "reason"}``, by row."""
        return layout.read_quarantine(self.path)

    @property
    def bad_rows(self) -> np.ndarray:
        """Sorted int64 rows of the quarantine; their features are zeros."""
        return np.array([entry["row"] for entry in self.quarantine], dtype=np.int64)

    def iter_shards(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the first row and the memory-mapped (rows, dim) float16 features."""
        for index, rows in enumerate(self.manifest["shard_rows"]):
            shard = layout.open_shard(self.path, index, rows, self.dim)
            yield int(self._starts[index]), shard

    def read(self, rows: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
        """Reads features into memory.

        Args:
            rows: Any rows in any order; None for all.

        Returns:
            (n, dim) float32.

        Raises:
            IndexError: A row outside the store.
        """
        rows = np.arange(len(self)) if rows is None else self._checked(rows)
        out = np.empty((len(rows), self.dim), dtype=np.float32)
        owner = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(owner, kind="stable")
        shards, first = np.unique(owner[order], return_index=True)
        for index, places in zip(
            shards.tolist(), np.split(order, first[1:]), strict=len(shards) > 0
        ):
            size = self.manifest["shard_rows"][index]
            shard = layout.open_shard(self.path, index, size, self.dim)
            out[places] = shard[rows[places] - self._starts[index]]
        return out

    def _checked(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        rows = np.asarray(rows, np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows must lie in 0..{len(self) - 1}")
        return rows

    @classmethod
    def import_npy(
        cls,
        features: str | os.PathLike,
        ids: str | os.PathLike | Sequence[str],
        out: str | os.PathLike,
        *,
        root: str = "",
        labels: Sequence[str | None] | None = None,
        extractor: str = "imported",
        rows_per_shard: int = layout.ROWS_PER_SHARD,
    ) -> "FeatureStore":
        """Makes a store from a user's own embeddings.

        Args:
            features: A ``.npy`` file, (rows, dim) floats; streamed, not loaded.
            ids: Image ids in row order, or a text file with one a line.
            out: The new store; it appears complete or not at all.
            root: Folder that the ids are relative to.
            labels: Class name of each row, None where unknown.
            extractor: A name for what made the features: stores are only compared
                if theirs agree.
            rows_per_shard: Rows of each shard but the last.

        Raises:
            UserError: Unreadable or misshapen features, ids that do not match them,
                or an ``out`` that is something else.
        """
        array = _load_npy(features)
        if isinstance(ids, str | os.PathLike):
            ids = layout.read_id_file(ids)
        if len(ids) != len(array):
            raise UserError(f"{features} has {len(array)} rows but {len(ids)} ids")
        if Path(out).exists():
            raise UserError(f"{out} exists: name a new folder, or delete it")
        with writing(Path(out)), atomic_folder(out) as folder:
            writer = FeatureStoreWriter.prepare(
                folder,
                ids,
                dim=array.shape[1],
                extractor={"name": extractor},
                root=root,
                source=str(features),
                labels=labels,
                rows_per_shard=rows_per_shard,
            )
            for index in writer.missing_shards():
                start, stop = writer.shard_range(index)
                writer.write_shard(index, np.array(array[start:stop]))
            writer.finish()
        return cls.open(out)


def check_same_extractor(a: FeatureStore, b: FeatureStore) -> None:
    """Checks that features of two stores may be compared.

    Raises:
        UserError: They differ in dim, extractor or image transform.
    """
    if a.dim != b.dim:
        raise UserError(
            f"{a.path} has features of dim {a.dim} and {b.path} of dim {b.dim}: "
            "extract both with the same network"
        )
    for key in ("extractor", "transform"):
        left, right = a.manifest[key], b.manifest[key]
        if left != right:
            raise UserError(
                f"{a.path} and {b.path} were extracted with another {key} "
                f"({_difference(left, right)}): extract both with the same"
            )


def _difference(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    for key in sorted({*left, *right}):
        if left.get(key) != right.get(key):
            return f"{key}: {left.get(key)} and {right.get(key)}"
    return ""


def _load_npy(path: str | os.PathLike) -> np.ndarray:
    try:
        array = load_array(path, mapped=True)
    except FileNotFoundError as error:
        raise UserError(f"features {path} do not exist") from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path} is not a .npy file of plain numbers ({error})"
        ) from error
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 2
        or array.shape[1] == 0
        or not np.issubdtype(array.dtype, np.floating)
    ):
        raise UserError(f"{path} must hold floats of shape (rows, dim)")
    return array

"""The images that may be copies of each other."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets.images import ImagesLike, list_images
from ...features import layout
from ...features.fingerprint import fingerprint
from ...features.store import FeatureStore
from .deduplicated import inputs_of
from .names import By, Keep


@dataclasses.dataclass(frozen=True)
class Pool:
    """Images that may be copies of each other.

    Attributes:
        root: Their folder.
        image_ids: Paths in it.
        store: Their features; None: there are none.
    """

    root: str
    image_ids: Sequence[str]
    store: FeatureStore | None

    @classmethod
    def open(
        cls, pool: ImagesLike | FeatureStore, root: str | os.PathLike | None
    ) -> "Pool":
        """Opens a store, or lists images."""
        if isinstance(pool, str | os.PathLike):
            folder = Path(pool).expanduser()
            if (folder / layout.MANIFEST).is_file():
                pool = FeatureStore.open(folder)
        if isinstance(pool, FeatureStore):
            where = pool.root if root is None else os.fspath(root)
            return cls(where, pool.image_ids, pool)
        folder, ids = list_images(pool, root)
        return cls(str(folder), ids, None)


def inputs_of_pool(
    pool: Pool, by: By, threshold: float | None, keep: Keep, neighbours: int
) -> Mapping[str, Any]:
    """Returns what the answer depends on; see `deduplicate`."""
    return inputs_of(
        pool.image_ids,
        None if pool.store is None else fingerprint(pool.store),
        by=by,
        threshold=threshold,
        keep=keep,
        neighbours=neighbours,
    )

"""The images that may be copies of each other."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets.images import ImagesLike, list_images
from ...features.fingerprint import fingerprint
from ...features.sources import is_store
from ...features.store import FeatureStore
from ...utils import members
from ...utils.hashing import lines_sha256
from ...utils.remote.addresses import named, shown
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

    @functools.cached_property
    def files(self) -> str:
        """A hash of place, sizes and times of the images."""
        digest = hashlib.sha256()
        for image in self.image_ids:
            path = os.path.join(named(self.root), image)
            inside = members.split(path)
            try:
                found = members.Shard.at(inside[0] if inside else path)
            except OSError:  # which may be there another time
                line = f"{path}\0"
            else:
                line = f"{path}\0{found.size}\0{found.tag}"
            digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
        return digest.hexdigest()

    @classmethod
    def open(
        cls, pool: "ImagesLike | FeatureStore | Pool", root: str | os.PathLike | None
    ) -> "Pool":
        """Opens a store, or lists images; what is open is returned as it is."""
        if isinstance(pool, Pool):
            return pool
        if isinstance(pool, str | os.PathLike):
            folder = Path(pool).expanduser()
            if is_store(folder):
                pool = FeatureStore.open(folder)
        if isinstance(pool, FeatureStore):
            where = pool.root if root is None else os.fspath(root)
            return cls(where, pool.image_ids, pool)
        folder, ids = list_images(pool, root)
        return cls(shown(folder), ids, None)


def inputs_of_pool(
    pool: Pool, by: By, threshold: float | None, keep: Keep, neighbours: int
) -> Mapping[str, Any]:
    """Returns what the answer depends on; see `deduplicate`."""
    return {
        "images": lines_sha256(pool.image_ids),
        "store": None if pool.store is None else fingerprint(pool.store),
        "files": None if by == "features" else pool.files,
        "by": by,
        "threshold": threshold,
        "keep": keep,
        "neighbours": neighbours,
    }

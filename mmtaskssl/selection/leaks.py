"""Keeps images that the target is evaluated on out of the selection."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..features.store import FeatureStore
from .nearest import rows_above
from .stream import Progress

# Copies of one image, decoded and resized alike, have features this similar even
# when they were extracted in other batches on other devices: below it, comparing
# files finds nothing.
_SAME_FILE = 0.98


@dataclasses.dataclass(frozen=True)
class Leak:
    """A pool image that is nearly one of the images to keep out.

    Attributes:
        row: Pool row.
        image: Its id.
        reason: "identical file" or "near-duplicate".
        match: Id of the image to keep out.
        store: Store of that image.
        score: Their cosine similarity.
    """

    row: int
    image: str
    reason: str
    match: str
    store: str
    score: float


def find_leaks(
    pool: FeatureStore,
    excluded: Sequence[FeatureStore],
    threshold: float,
    *,
    pool_root: str = "",
    skip: np.ndarray | None = None,
    progress: Progress | None = None,
) -> list[Leak]:
    """Finds pool images that are near-duplicates of images to keep out.

    Args:
        pool: Features of the pool.
        excluded: Stores of the target's validation and test images.
        threshold: Cosine similarity from which two images count as the same. Where
            files can be read, equal bytes count as well.
        pool_root: Folder of the pool's images; "" does not compare files.
        skip: (N,) bool, pool rows that are out already.
        progress: Called with the number of pool rows read so far.

    Returns:
        One entry a pool image, with its most similar image to keep out, by row.
    """
    leaks: dict[int, Leak] = {}
    for store in excluded:
        good = np.setdiff1d(np.arange(len(store)), store.bad_rows)
        if not len(good):
            continue
        found = rows_above(
            store.read(good),
            pool,
            min(threshold, _SAME_FILE),
            skip=skip,
            progress=progress,
        )
        for row, query, score in zip(*(c.tolist() for c in found), strict=True):
            image, match = pool.image_ids[row], store.image_ids[good[query]]
            files = (_file(pool_root, image), _file(store.root, match))
            if _same_bytes(*files):
                reason = "identical file"
            elif score >= threshold:
                reason = "near-duplicate"
            else:
                continue
            if row not in leaks or score > leaks[row].score:
                leaks[row] = Leak(row, image, reason, match, str(store.path), score)
    return [leaks[row] for row in sorted(leaks)]


def _file(root: str, image: str) -> Path | None:
    return Path(root) / image if root else None


def _same_bytes(left: Path | None, right: Path | None) -> bool:
    if left is None or right is None:
        return False
    try:
        if left.stat().st_size != right.stat().st_size:
            return False
        digests = [hashlib.sha256(p.read_bytes()).digest() for p in (left, right)]
    except OSError:
        return False
    return digests[0] == digests[1]

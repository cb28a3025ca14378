"""Pool images that are copies of images to keep out, by their features."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..features.store import FeatureStore
from ..utils.errors import UserError
from ..utils.hashing import file_sha256
from ..utils.inputs import check_regular
from .nearest import rows_above
from .stream import Progress

# Copies of one image, decoded and resized alike, have features this similar even
# when they were extracted in other batches on other devices: below it, comparing
# files finds nothing.
SAME_FILE = 0.98


@dataclasses.dataclass(frozen=True)
class Leak:
    """A pool image that is nearly one of the images to keep out.

    Attributes:
        row: Pool row.
        image: Its id.
        reason: "identical file", "same pixels" or, where only features were compared,
            "near-duplicate".
        match: Id of the image to keep out.
        store: Store of that image.
        score: Cosine similarity of their features.
        agreement: Correlation of their pixels, see `pixels.Match`; None if these were
            not compared.
        transform: A guess at what was done to the one to get the other.
    """

    row: int
    image: str
    reason: str
    match: str
    store: str
    score: float
    agreement: float | None = None
    transform: str = ""


def find_leaks(
    pool: FeatureStore,
    store: FeatureStore,
    threshold: float,
    *,
    mirrored: np.ndarray | None = None,
    queries: np.ndarray | None = None,
    pool_root: str = "",
    skip: np.ndarray | None = None,
    progress: Progress | None = None,
) -> list[Leak]:
    """Finds pool images whose features are those of images to keep out.

    Args:
        pool: Features of the pool.
        store: Features of the target's validation or test images.
        threshold: Cosine similarity from which two images count as the same. Where
            files can be read, equal bytes count as well.
        mirrored: (n, D) float32 features of the mirror images of all good rows of the
            store, in their order; None: mirrored copies are not looked for.
        queries: Rows of the store to look for; None: all good ones.
        pool_root: Folder of the pool's images; "" does not compare files.
        skip: (N,) bool, pool rows that are out already.
        progress: Called with the number of pool rows read so far.

    Returns:
        One entry a pool image, with its most similar image to keep out, by row.
    """
    good = np.setdiff1d(np.arange(len(store)), store.bad_rows)
    if queries is not None:
        good = np.intersect1d(good, queries)
    if not len(good):
        return []
    features = store.read(good)
    if mirrored is not None:
        features = np.concatenate([features, mirrored])
    found = rows_above(
        features, pool, min(threshold, SAME_FILE), skip=skip, progress=progress
    )
    leaks = []
    for row, query, score in zip(*(c.tolist() for c in found), strict=True):
        image, match = pool.image_ids[row], store.image_ids[good[query % len(good)]]
        if same_bytes(pool_root, image, store.root, match):
            reason = "identical file"
        elif score >= threshold:
            reason = "near-duplicate"
        else:
            continue
        transform = "mirrored" if query >= len(good) else ""
        leaks.append(
            Leak(row, image, reason, match, str(store.path), score, None, transform)
        )
    return leaks


def merge(leaks: Sequence[Leak]) -> list[Leak]:
    """Returns one leak a pool row, in order: that of the highest evidence."""
    best: dict[int, Leak] = {}
    for leak in leaks:
        known = best.get(leak.row)
        if known is None or _strength(leak) > _strength(known):
            best[leak.row] = leak
    return [best[row] for row in sorted(best)]


def _strength(leak: Leak) -> tuple[bool, float, float]:
    seen = -1.0 if leak.agreement is None else leak.agreement
    return leak.reason == "identical file", seen, leak.score


def same_bytes(root: str, image: str, other_root: str, other: str) -> bool:
    """Whether two files hold the same bytes; False where one cannot be read."""
    if not root or not other_root:
        return False
    left, right = Path(root) / image, Path(other_root) / other
    try:
        if check_regular(left) != check_regular(right):
            return False
        digests = [file_sha256(path) for path in (left, right)]
    except (OSError, UserError):
        return False
    return digests[0] == digests[1]

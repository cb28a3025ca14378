"""The leak guard by pixels, for pools whose images are at hand."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..features.copies import STRENGTHS
from ..features.store import FeatureStore
from .calibration import SAMPLE, Calibration
from .nearest import best_queries_of, top_rows
from .pictures import Pictures, best_matches, file_readers

#: Pool images that are read, those most similar to an excluded image by their features.
MOST_READ = 100_000
#: Pool images that stand in for excluded ones, to see how often different images agree.
STAND_INS = 150
_BATCH = 256
# Pool images whose most similar excluded image by features is compared in any case.
_BY_FEATURES = 2000


@dataclasses.dataclass(frozen=True)
class PixelGuard:
    """Compares pool images with the images of one store.

    Attributes:
        store: Its images must not be selected.
        pictures: Those images.
        rows: Their rows in the store.
        threshold: Agreement from which two images count as the same.
        recall: Share of the known copies of each kind that it finds.
        copied: Images that these were made of.
    """

    store: FeatureStore
    pictures: Pictures
    rows: np.ndarray
    threshold: float
    recall: dict[str, float]
    copied: int

    @classmethod
    def calibrate(cls, store: FeatureStore, copied: int = SAMPLE) -> "PixelGuard":
        """Reads a store's images, and learns from copies of some how copies agree.

        Args:
            store: Whose images can be read.
            copied: How many of them a copy of each kind is made of.
        """
        ids = store.image_ids
        pictures = Pictures.read(file_readers(store.root, ids))
        found = Calibration.of(store.root, ids, pictures, copied)
        rows = np.arange(len(ids))
        return cls(
            *(store, pictures, rows, found.threshold, found.recall, found.copied)
        )

    def hints(self, pool: FeatureStore, skip: np.ndarray) -> dict[int, int]:
        """Returns pool rows most similar by features, and the row each is similar to.

        The small versions that find what may be a copy miss crops of fine textures.
        """
        good = np.setdiff1d(self.rows, self.store.bad_rows)
        count = min(2 * len(good), _BY_FEATURES, int((~skip).sum()))
        if not count:
            return {}
        queries = self.store.read(good)
        rows = np.sort(top_rows(queries, pool, count, skip=skip)[0])
        found, _ = best_queries_of(queries, pool, rows)
        return dict(zip(rows.tolist(), good[found].tolist(), strict=True))

    def describe(self) -> dict[str, Any]:
        """Returns what summary.json says."""
        return {
            "store": str(self.store.path),
            "method": "pixels",
            "threshold": round(self.threshold, 4),
            "recall": {kind: round(v, 4) for kind, v in self.recall.items()},
            "copies": self.copied,
            "strengths": STRENGTHS,
        }


def rows_to_read(
    pool: FeatureStore, guards: Sequence[PixelGuard], skip: np.ndarray
) -> np.ndarray:
    """Returns the pool rows that are compared, in order: all, or the most similar."""
    left = np.flatnonzero(~skip)
    if len(left) <= MOST_READ:
        return left
    queries = np.concatenate([guard.store.read() for guard in guards])
    return np.sort(top_rows(queries, pool, MOST_READ, skip=skip)[0])


def iter_pool(
    root: str, pool: FeatureStore, rows: np.ndarray
) -> Iterator[tuple[np.ndarray, Pictures]]:
    """Yields rows of a pool with their images."""
    for begin in range(0, len(rows), _BATCH):
        part = rows[begin : begin + _BATCH]
        ids = [pool.image_ids[row] for row in part.tolist()]
        yield part, Pictures.read(file_readers(root, ids))


def confusion(
    root: str,
    pool: FeatureStore,
    guards: Sequence[PixelGuard],
    threshold: float,
    skip: np.ndarray,
) -> tuple[int, int]:
    """Counts how many different images the threshold takes for copies.

    The pool images that look most like the excluded ones take their part: every second
    stands in for an excluded image, the others are compared with these. What is found
    are natural duplicates within the pool and errors.

    Args:
        root: Folder of the pool's images.
        pool: Their features.
        guards: Of the excluded images.
        threshold: Agreement.
        skip: (N,) bool, rows that must not take part, such as leaks.

    Returns:
        Images taken for copies, and images compared.
    """
    queries = np.concatenate([guard.store.read() for guard in guards])
    count = min(2 * STAND_INS, int((~skip).sum()))
    if count < 2:
        return 0, 0
    rows = top_rows(queries, pool, count, skip=skip)[0]
    halves = [
        Pictures.read(file_readers(root, [pool.image_ids[r] for r in part.tolist()]))
        for part in (rows[::2], rows[1::2])
    ]
    found = best_matches(halves[1], halves[0])
    taken = sum(p is not None and p[1].agreement >= threshold for p in found)
    return taken, len(halves[1])

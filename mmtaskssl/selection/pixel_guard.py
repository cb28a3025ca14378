"""The leak guard by pixels, for pools whose images are at hand."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.images import BrokenImage, read_image
from ..features.copies import KINDS, STRENGTHS, read_copy
from ..features.store import FeatureStore
from . import pixels
from .nearest import best_queries_of, top_rows
from .pixels import Match

#: Pool images that are read, those most similar to an excluded image by their features.
MOST_READ = 100_000
#: Excluded images whose copies the threshold is calibrated on.
SAMPLE = 100
#: Pool images that stand in for excluded ones, to see how often different images agree.
STAND_INS = 150
# The threshold finds this share of the copies of every kind ...
_RECALL = 0.98
# ... but not below what unlike images reach, nor above what is safe for kinds that were
# not tried. Set on signdigits alone, see model_zoo.md.
_LOWEST, _HIGHEST = 0.86, 0.92
# So many images tell how different ones agree, half of them compared with the others.
_STRANGERS, _ALMOST_ALL = 400, 0.95
# Agreement that no other image is going to beat.
_SURE = 0.97
_TRIES = 4
_FLOOR = 0.45
_BATCH = 256
# Pool images whose most similar excluded image by features is compared in any case.
_BY_FEATURES = 2000

Reader = Callable[[], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Images as the guard compares them.

    Attributes:
        details: Of `pixels.detail_of`, float16; None where the image cannot be read.
        thumbs: (N, windows, 256) float32; zeros there.
    """

    details: list[np.ndarray | None]
    thumbs: np.ndarray

    @classmethod
    def read(cls, readers: Sequence[Reader], threads: int = 2) -> "Pictures":
        """Reads images.

        Args:
            readers: Each returns (H, W, 3) uint8, or raises `BrokenImage`.
            threads: How many read at once.
        """
        with ThreadPoolExecutor(threads) as executor:
            found = list(executor.map(_prepare, readers))
        blank = np.zeros((pixels.WINDOWS, pixels.LENGTH), np.float32)
        details = [None if pair is None else pair[0] for pair in found]
        thumbs = [blank if pair is None else pair[1] for pair in found]
        return cls(details, np.stack(thumbs))

    def subset(self, rows: Sequence[int]) -> "Pictures":
        """Returns some of them."""
        return Pictures([self.details[row] for row in rows], self.thumbs[[*rows]])

    def __len__(self) -> int:
        return len(self.details)


def _prepare(reader: Reader) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        detail = pixels.detail_of(reader())
    except BrokenImage:
        return None
    return detail.astype(np.float16), pixels.thumbnails(detail)


def file_readers(root: str | Path, image_ids: Sequence[str]) -> list[Reader]:
    """Returns what reads the images of a folder."""

    def reader(image: str) -> Reader:
        return lambda: read_image(Path(root) / image, short_side=2 * pixels.SIDE)

    return [reader(image) for image in image_ids]


def best_matches(
    first: Pictures,
    second: Pictures,
    hints: dict[int, int] | None = None,
    floor: float = _FLOOR,
) -> list[tuple[int, Match] | None]:
    """Finds, for each image of one set, the image of another it agrees with most.

    Args:
        first: N images.
        second: M images.
        hints: For some of the first, the index of one of the second that is compared
            even if small versions of them do not look alike.
        floor: Correlation of small versions from which images are compared; a higher
            one is quicker, and misses more crops.

    Returns:
        For each of the first, the index in the second and how they agree; None where
        nothing looks alike.
    """
    best: list[tuple[int, Match] | None] = [None] * len(first)
    pairs = []
    if len(first) and len(second):
        pairs = pixels.likely_pairs(first.thumbs, second.thumbs, _TRIES, floor)
    pairs = [(p.first, p.second, p.flipped, p.swapped) for p in pairs]
    for place, other in (hints or {}).items():
        pairs += [(place, other, False, False), (place, other, True, False)]
    for place, other, *way in pairs:
        known = best[place]
        left, right = first.details[place], second.details[other]
        if left is None or right is None or (known and known[1].agreement >= _SURE):
            continue
        left, right = left.astype(np.float32), right.astype(np.float32)
        match = pixels.compare(left, right, *way)
        if known is None or match.agreement > known[1].agreement:
            best[place] = other, match
    return best


@dataclasses.dataclass(frozen=True)
class Calibration:
    """From which agreement on images count as the same.

    Attributes:
        threshold: Agreement.
        recall: Share of the known copies of each kind that it finds.
        copied: Images that these were made of.
    """

    threshold: float
    recall: dict[str, float]
    copied: int

    @classmethod
    def of(
        cls,
        root: str | Path,
        image_ids: Sequence[str],
        pictures: Pictures,
        copied: int = SAMPLE,
        floor: float = _FLOOR,
    ) -> "Calibration":
        """Learns from copies of some images how copies agree, and how others do.

        Where images of one kind are nearly the same, as digits are, copies must differ
        half as much as all but one in twenty of them.

        Args:
            root: Folder of the images.
            image_ids: The images.
            pictures: The same, read.
            copied: How many of them a copy of each kind is made of.
            floor: See `best_matches`.
        """
        seen = [row for row, d in enumerate(pictures.details) if d is not None]
        sample = np.random.default_rng(0).permutation(seen)[:copied].tolist()

        def reader(name: str) -> Reader:
            return lambda: read_copy(Path(root), name, 2 * pixels.SIDE)

        agreement = {}
        for kind in KINDS if sample else ():
            readers = [reader(f"{image_ids[row]}@{kind}") for row in sample]
            found = best_matches(Pictures.read(readers), pictures, floor=floor)
            agreement[kind] = np.array(
                [-1.0 if p is None else p[1].agreement for p in found]
            )
        lowest = [
            np.quantile(v, 1 - _RECALL, method="lower") for v in agreement.values()
        ]
        threshold = float(np.clip(min(lowest, default=1.0), _LOWEST, _HIGHEST))
        threshold = max(threshold, _beyond_strangers(pictures, seen, floor))
        recall = {k: float((v >= threshold).mean()) for k, v in agreement.items()}
        return cls(threshold, recall, len(sample))


def _beyond_strangers(pictures: Pictures, seen: Sequence[int], floor: float) -> float:
    """Returns the agreement that different images do not reach.

    Args:
        pictures: Of which some may be copies of others, but not one in twenty.
        seen: Rows of those that could be read.
        floor: See `best_matches`.
    """
    rows = np.random.default_rng(1).permutation(seen)[:_STRANGERS].tolist()
    first, second = (pictures.subset(sorted(half)) for half in (rows[::2], rows[1::2]))
    if not len(second):
        return 0.0
    found = best_matches(first, second, floor=floor)
    agreement = [0.0 if pair is None else pair[1].agreement for pair in found]
    return 1 - (1 - float(np.quantile(agreement, _ALMOST_ALL))) / 2


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

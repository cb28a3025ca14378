"""Images as the leak guard compares them, and how they agree."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..datasets.images import BrokenImage, read_image
from . import pixels
from .pixels import Match
from .windows import LENGTH, WINDOWS, thumbnails

#: Correlation of small versions from which images are compared.
FLOOR = 0.45
# Agreement that no other image is going to beat.
_SURE = 0.97
_TRIES = 4

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
        blank = np.zeros((WINDOWS, LENGTH), np.float32)
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
    return detail.astype(np.float16), thumbnails(detail)


def file_readers(root: str | Path, image_ids: Sequence[str]) -> list[Reader]:
    """Returns what reads the images of a folder."""

    def reader(image: str) -> Reader:
        return lambda: read_image(Path(root) / image, short_side=2 * pixels.SIDE)

    return [reader(image) for image in image_ids]


def best_matches(
    first: Pictures,
    second: Pictures,
    hints: dict[int, int] | None = None,
    floor: float = FLOOR,
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

"""A pool's images, as their copies are found by pixels."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ...datasets.images import BrokenImage, read_image
from ...utils import members
from ...utils.hashing import file_sha256
from .. import pixels
from ..calibration import SAMPLE, Calibration
from ..pictures import Pictures, best_matches, file_readers
from ..tints import Tint
from ..windows import LENGTH, WINDOWS, thumbnails

# Images that tell how copies agree, and how others do.
_CALIBRATED = 1500
# Pictures that are held, for the next pairs that they are in.
_HELD = 4096

Progress = Callable[[int], None]


@dataclasses.dataclass(frozen=True)
class Looked:
    """What one pass over the images of a pool tells.

    Attributes:
        thumbs: (N, windows, 256) float16, of length 1: the detail of the images, the
            whole one first; zeros where there is none, or one cannot be read. Of many
            images the whole ones alone.
        hashes: SHA-256 of each file; "" of one that cannot be read.
        sizes: Pixels and bytes of each.
        tints: Their colours.
        broken: Rows that cannot be read.
    """

    thumbs: np.ndarray
    hashes: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    tints: Sequence[Tint]
    broken: Sequence[int]


def look(
    root: str | Path,
    image_ids: Sequence[str],
    progress: Progress | None = None,
    threads: int = 2,
    windows: bool = True,
) -> Looked:
    """Reads all images of a pool, once.

    Args:
        root: Their folder.
        image_ids: Paths in it.
        progress: Takes the images done so far.
        threads: How many read at once.
        windows: Whether windows of images are looked at, too.
    """
    count = len(image_ids)
    thumbs = np.zeros((count, WINDOWS if windows else 1, LENGTH), np.float16)
    hashes, sizes = [""] * count, [(0, 0)] * count
    tints = [Tint()] * count
    broken = []

    def one(row: int) -> bool:
        path = Path(root, image_ids[row])
        try:
            image = read_image(path)
        except BrokenImage:
            return False
        thumbs[row] = thumbnails(pixels.detail_of(image))[: thumbs.shape[1]]
        hashes[row], tints[row] = file_sha256(path), Tint.of(image)
        member = members.find(path)
        size = path.stat().st_size if member is None else member.size
        sizes[row] = (image.shape[0] * image.shape[1], size)
        return True

    with ThreadPoolExecutor(threads) as executor:
        for row, good in enumerate(executor.map(one, range(count))):
            if not good:
                broken.append(row)
            if progress is not None:
                progress(row + 1)
    return Looked(thumbs, hashes, sizes, tints, broken)


class Laying:
    """Lays images of a pool over each other.

    Args:
        root: Their folder.
        image_ids: Paths in it.
    """

    def __init__(self, root: str | Path, image_ids: Sequence[str]) -> None:
        self.readers = file_readers(root, image_ids)
        self._picture = functools.lru_cache(_HELD)(self._read)
        self.root, self.image_ids = root, image_ids

    def _read(self, row: int) -> Pictures:
        return Pictures.read([self.readers[row]], threads=1)

    def agreement(self, first: int, second: int) -> tuple[float, str]:
        """Returns how two images agree, -1 to 1, and what was done to one, in words."""
        (found,) = best_matches(self._picture(first), self._picture(second))
        return (-1.0, "") if found is None else (found[1].agreement, found[1].transform)

    def calibrate(self) -> Calibration:
        """Learns from copies of some images, from which agreement on another is one."""
        drawn = np.random.default_rng(0).permutation(len(self.readers))[:_CALIBRATED]
        rows = sorted(drawn.tolist())
        pictures = Pictures.read([self.readers[row] for row in rows])
        ids = [self.image_ids[row] for row in rows]
        return Calibration.of(self.root, ids, pictures, SAMPLE, copies_among=True)

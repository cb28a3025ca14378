"""A pool's images, as their copies are found by pixels."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from ...datasets.images import BrokenImage, read_image
from ...utils import members
from ...utils.hashing import file_sha256
from .. import pixels
from ..calibration import SAMPLE, Calibration
from ..pictures import Pictures, best_matches, file_readers
from ..pixels import Match
from ..tints import Tint
from ..windows import LENGTH, WINDOWS, thumbnails

#: Of more images, whole ones are looked for in whole ones, which finds no crops.
CROPS = 30_000
# Images that tell how copies agree, and how others do.
_CALIBRATED = 1500
# Light and dark of an image and of a copy that is no crop differed by 4.6 at most (400
# of a pool of six kinds of images), of others by 10 in the median; of a crop and of the
# place it was taken from by more than 10 in two of a hundred.
WHOLE, _LIGHT, _CROP_LIGHT = 0.97, 6, 10
# Places that light is compared at, and those of the whole images that windows are of.
_PLACES, _GRID = 8, 48
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
        broken: Rows that cannot be read.
    """

    thumbs: np.ndarray
    hashes: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    broken: Sequence[int]


def windows_of(images: int) -> int:
    """Returns how many windows of each of so many images are looked at."""
    return WINDOWS if images <= CROPS else 1


def held_bytes(images: int) -> int:
    """Returns the bytes that finding copies by pixels holds of so many images.

    Windows and a store of them, float16 both, of all; pictures of some. Images of
    another shape than a square have larger pictures.
    """
    picture = 2 * pixels.SIDE**2 + 4 * WINDOWS * LENGTH + 4 * 3 * _GRID**2
    # The name of each row of the store, too.
    rows = images * windows_of(images) * (2 * 2 * LENGTH + 80)
    return rows + min(images, _HELD) * picture


def _light_agrees(first: np.ndarray, second: np.ndarray, match: Match) -> bool:
    if not (np.ptp(first, axis=2).any() and np.ptp(second, axis=2).any()):
        first, second = _grey(first), _grey(second)
    if match.flipped:
        first = np.ascontiguousarray(first[:, ::-1])
    part, whole = (second, first) if match.swapped else (first, second)
    light, cropped = _places(part), match.side < WHOLE
    size = max(_PLACES, round(_GRID * match.side)) if cropped else _GRID
    steps = range(_GRID - size + 1)
    least = min(
        float(np.abs(light - _places(whole[top:, left:][:size, :size])).mean())
        for top in steps
        for left in steps
    )
    return least <= (_CROP_LIGHT if cropped else _LIGHT)


def _grey(light: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(light, cv2.COLOR_RGB2GRAY)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _places(grid: np.ndarray) -> np.ndarray:
    """Returns the mean light of the places of a part of an image."""
    return cv2.resize(grid, (_PLACES, _PLACES), interpolation=cv2.INTER_AREA)


def look(
    root: str | Path,
    image_ids: Sequence[str],
    progress: Progress | None = None,
    threads: int = 2,
    windows: int = WINDOWS,
) -> Looked:
    """Reads all images of a pool, once.

    Args:
        root: Their folder.
        image_ids: Paths in it.
        progress: Takes the images done so far.
        threads: How many read at once.
        windows: So many of each image are kept, the whole one first; 0: none.
    """
    count = len(image_ids)
    thumbs = np.zeros((count, windows, LENGTH), np.float16)
    hashes, sizes = [""] * count, [(0, 0)] * count
    broken = []

    def one(row: int) -> bool:
        path = Path(root, image_ids[row])
        try:
            image = read_image(path)
        except BrokenImage:
            return False
        if windows:
            thumbs[row] = thumbnails(pixels.detail_of(image))[:windows]
        hashes[row] = file_sha256(path)
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
    return Looked(thumbs, hashes, sizes, broken)


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

    def _read(self, row: int) -> tuple[Pictures, np.ndarray]:
        """Returns a picture, and its light (48, 48, 3), grey of one without colours."""
        light = np.zeros((_GRID, _GRID, 3), np.float32)

        def read() -> np.ndarray:
            image = self.readers[row]()
            size = (_GRID, _GRID)
            light[:] = cv2.resize(
                image.astype(np.float32), size, interpolation=cv2.INTER_AREA
            )
            if Tint.of(image).grey:
                light[:] = _grey(light)
            return image

        return Pictures.read([read], threads=1), light

    def match(self, first: int, second: int) -> Match | None:
        """Returns how two images lie on each other; None: they do not.

        Nor do they where light and dark are not where they would be, were one a copy:
        detail alone does not tell two spots on a plain ground apart.
        """
        one, other = self._picture(first), self._picture(second)
        (found,) = best_matches(one[0], other[0])
        if found is None or not _light_agrees(one[1], other[1], found[1]):
            return None
        return found[1]

    def calibrate(self) -> Calibration:
        """Learns from copies of some images, from which agreement on another is one."""
        drawn = np.random.default_rng(0).permutation(len(self.readers))[:_CALIBRATED]
        rows = sorted(drawn.tolist())
        pictures = Pictures.read([self.readers[row] for row in rows])
        ids = [self.image_ids[row] for row in rows]
        return Calibration.of(self.root, ids, pictures, SAMPLE, copies_among=True)

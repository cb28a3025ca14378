"""Features of transformed copies of images: what a leak looks like to an extractor.

::

    STORE/copies/    a feature store of its own, ids ``IMAGE@KIND``

Mirror images of all rows of STORE, and, of a sample, one copy of every other kind. The
leak guard searches for mirrored copies with the former, and learns from the latter how
similar copies are (see ``selection/feature_guard.py``).
"""

import zlib
from pathlib import Path

import cv2
import numpy as np

from ..datasets.images import read_image, shrink

#: The kinds of copies, and how strong they are; drawn evenly, anew for each image.
STRENGTHS = {
    "flip": "mirrored left to right",
    "crop": "75 to 95 % of either side, anywhere",
    "jpeg": "JPEG quality 30 to 70",
    "resize": "shrunk to 50 to 90 % of either side",
    "grey": "without colour",
}
KINDS = tuple(STRENGTHS)
#: Images that a copy of every kind is made of.
SAMPLE = 200


def make_copy(image: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Transforms an image as people do who pass it on.

    Args:
        image: (H, W, 3) uint8 RGB.
        kind: A key of `STRENGTHS`.
        rng: Draws the strength.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    height, width = image.shape[:2]
    if kind == "flip":
        return np.ascontiguousarray(image[:, ::-1])
    if kind == "crop":
        side = rng.uniform(0.75, 0.95)
        h, w = max(1, round(side * height)), max(1, round(side * width))
        top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
        return np.ascontiguousarray(image[top : top + h, left : left + w])
    if kind == "jpeg":
        quality = int(rng.integers(30, 71))
        _, data = cv2.imencode(
            ".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    if kind == "resize":
        side = rng.uniform(0.5, 0.9)
        return shrink(image, max(1, round(side * min(height, width))))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def read_copy(root: Path, name: str, short_side: int | None = None) -> np.ndarray:
    """Reads an image and makes the copy of it that a name stands for.

    Args:
        root: Folder of the images.
        name: ``IMAGE@KIND``; the same name always gives the same copy.
        short_side: See `read_image`; the copy is made before it is shrunk.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        BrokenImage: The image cannot be read.
    """
    image, _, kind = name.rpartition("@")
    seed = zlib.crc32(name.encode("utf-8", "surrogateescape"))
    copy = make_copy(read_image(root / image), kind, np.random.default_rng(seed))
    return shrink(copy, short_side)


class CopyReader:
    """Reads copies for a runner; a class, so that worker processes can have it.

    Args:
        root: Folder of the images.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, path: Path, short_side: int) -> np.ndarray:
        """Returns the copy that a path below the folder is named as."""
        return read_copy(self.root, path.relative_to(self.root).as_posix(), short_side)


def copy_names(image_ids: list[str]) -> list[str]:
    """Returns which copies are made of images.

    Args:
        image_ids: All that have a feature.

    Returns:
        ``IMAGE@KIND``: mirror images of all, and the other kinds of `SAMPLE` of them.
    """
    chosen = np.random.default_rng(0).permutation(len(image_ids))[:SAMPLE]
    sample = [image_ids[i] for i in np.sort(chosen).tolist()]
    names = [f"{image}@flip" for image in image_ids]
    return names + [f"{i}@{kind}" for kind in KINDS if kind != "flip" for i in sample]

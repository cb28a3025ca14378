"""What a single image is."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...datasets.images import BrokenImage, read_image
from ...datasets.pixel_limit import size_in_header, without_pillows_limit
from ...selection.pictures import Pictures, Reader
from ...selection.pixels import SIDE
from ...selection.tints import Tint
from ...utils.cores import num_cores
from ...utils.errors import UserError
from ...utils.hashing import file_sha256
from ...utils.inputs import open_input

_HEAD = 1 << 16
_THREADS = 4


@dataclasses.dataclass(frozen=True)
class ImageFacts:
    """What an image is.

    Attributes:
        sha256: Of its bytes; "" if they cannot be read.
        width: Pixels, upright; 0 of a broken one.
        height: The same.
        grey: Whether it has no colours.
        broken: Why it cannot be read; "" if it can.
        tint: Mean red less green, and yellow less blue, -255..255.
    """

    sha256: str
    width: int = 0
    height: int = 0
    grey: bool = False
    broken: str = ""
    tint: Sequence[int] = (0, 0)

    @property
    def short_side(self) -> int:
        """The shorter of width and height."""
        return min(self.width, self.height)

    def to_dict(self) -> dict[str, Any]:
        """Returns the attributes."""
        return dataclasses.asdict(self)


def look(root: Path, image_ids: Sequence[str]) -> tuple[list[ImageFacts], Pictures]:
    """Reads images, each once.

    Args:
        root: Their folder.
        image_ids: Paths in it.

    Returns:
        What they are, and what the leak guard compares.
    """
    facts = [ImageFacts("")] * len(image_ids)

    def reader(row: int) -> Reader:
        def read() -> np.ndarray:
            facts[row], image = _read(root / image_ids[row])
            if image is None:
                raise BrokenImage(facts[row].broken)
            return image

        return read

    readers = [reader(row) for row in range(len(image_ids))]
    pictures = Pictures.read(readers, min(_THREADS, num_cores()))
    return facts, pictures


def _read(path: Path) -> tuple[ImageFacts, np.ndarray | None]:
    try:
        sha256 = file_sha256(path)
    except UserError as error:
        return ImageFacts("", broken=str(error)), None
    try:
        image = read_image(path, short_side=2 * SIDE)
        width, height = _size(path)
    except BrokenImage as error:
        return ImageFacts(sha256, broken=str(error).removeprefix(f"{path}: ")), None
    if (height > width) != (image.shape[0] > image.shape[1]):
        width, height = height, width  # it was turned upright
    tint = Tint.of(image)
    return ImageFacts(sha256, width, height, tint.grey, tint=tint.mean), image


def _size(path: Path) -> tuple[int, int]:
    """Returns width and height as they are stored."""
    with open_input(path) as file:
        if size := size_in_header(file.read(_HEAD)):
            return size
    try:
        with (
            open_input(path) as file,
            without_pillows_limit(),
            Image.open(file) as image,
        ):
            return image.size
    except Exception:  # only OpenCV reads it
        height, width, _ = read_image(path).shape
        return width, height

"""Images drawn at random, decoded once and kept as bytes."""

import hashlib
import math
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from ..utils.families import ImagesUnreadable, TooFewImages
from ..utils.hashing import lines_sha256
from .eval_transform import EvalTransform
from .images import BrokenImage, ImagesLike, list_images


@dataclass(frozen=True)
class ImageSample:
    """Images that statistics are taken from, the same for every sub-net.

    Attributes:
        pixels: (N, S, S, 3) uint8.
        ids: Their ids, in order.
        transform: How they were cropped and are normalised.
        batch_size: Most images a batch.
    """

    pixels: Tensor
    ids: list[str]
    transform: EvalTransform
    batch_size: int

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Tensor]:
        """Yields normalised batches (N, 3, S, S) of nearly equal size."""
        parts = math.ceil(len(self.ids) / self.batch_size)
        for pixels in self.pixels.tensor_split(parts):
            yield self.transform.normalize(pixels).contiguous()

    def describe(self) -> dict[str, Any]:
        """Returns what tells this sample from any other."""
        pixels = hashlib.sha256(self.pixels.numpy())
        return {
            "images": len(self.ids),
            "ids_sha256": lines_sha256(self.ids),
            "pixels_sha256": pixels.hexdigest(),
            "batch_size": self.batch_size,
            "transform": self.transform.describe(),
        }


def draw_images(
    source: ImagesLike,
    transform: EvalTransform,
    count: int = 1024,
    batch_size: int = 64,
    seed: int = 0,
    root: str | os.PathLike | None = None,
) -> ImageSample:
    """Draws images at random, the same ones for the same seed.

    Args:
        source: Folder, list, or a value that is of images, see `list_images`.
        transform: Crops and normalises.
        count: How many; all, if there are fewer.
        batch_size: Most images a batch.
        seed: Of the draw.
        root: Folder that listed paths are relative to.

    Raises:
        UserError: Bad numbers, or no image can be read.
    """
    if count < 1 or batch_size < 2:
        raise TooFewImages(
            "calibration needs at least one image, and two images a batch: got "
            f"{count} and {batch_size}"
        )
    folder, names = list_images(source, root)
    # Sorted and shuffled: independent of the order of a list, and classes are mixed.
    names = sorted(set(names))
    random.Random(seed).shuffle(names)
    pixels: list[Tensor] = []
    ids: list[str] = []
    for name in names:
        if len(ids) == count:
            break
        try:
            pixels.append(torch.from_numpy(transform.read(folder / name).copy()))
            ids.append(name)
        except BrokenImage as error:
            print_log(f"skipped {error}", "current")
    if not ids:
        raise ImagesUnreadable(f"none of the images of {source} can be read")
    return ImageSample(torch.stack(pixels), ids, transform, batch_size)

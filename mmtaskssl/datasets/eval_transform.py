"""The one image transform of feature extraction."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..datasets.image_reader import read_reduced
from ..datasets.images import read_image
from ..utils.families import BadValue

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
# The usual 256 pixels of short side for a crop of 224.
_RESIZE_RATIO = 256 / 224
#: How JPEGs are decoded, see `EvalTransform`.
DECODES = FULL, REDUCED = ("full", "reduced")


@dataclass(frozen=True)
class EvalTransform:
    """Resize of the short side (bilinear, antialiased), centre crop.

    Args:
        image_size: Side S of the crop, pixels.
        mean: Subtracted from each channel, on the scale 0..255.
        std: Divides each channel, on the scale 0..255.
        resize_ratio: Short side after the resize, as a multiple of S.
        channel_order: "rgb", or "bgr" for networks that were trained on such; mean and
            std are in this order.
        decode: "reduced" reads JPEGs at the smallest scale that is no smaller than the
            resize: faster, and not quite the same pixels.
    """

    image_size: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resize_ratio: float = _RESIZE_RATIO
    channel_order: str = "rgb"
    decode: str = FULL

    def __post_init__(self) -> None:
        if self.image_size < 1:
            raise BadValue(f"image size must be at least 1, got {self.image_size}")
        if self.resize_ratio < 1:
            raise BadValue(f"resize ratio must be at least 1, got {self.resize_ratio}")
        if self.channel_order not in ("rgb", "bgr"):
            raise BadValue(
                f"channel order must be rgb or bgr, not {self.channel_order!r}"
            )
        if self.decode not in DECODES:
            raise BadValue(
                f"decode must be one of {', '.join(DECODES)}, not {self.decode!r}"
            )
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            raise BadValue(
                f"mean and std need three channels and std > 0, got {self.mean} and "
                f"{self.std}"
            )

    @property
    def short_side(self) -> int:
        """Short side after the resize, pixels."""
        return round(self.image_size * self.resize_ratio)

    @property
    def rgb_mean(self) -> tuple[float, ...]:
        """Mean of red, green and blue, 0..255."""
        return self.mean if self.channel_order == "rgb" else self.mean[::-1]

    @property
    def reader(self) -> Callable[[str | os.PathLike, int | None], np.ndarray]:
        """Reads image files in the way of ``decode``."""
        return read_reduced if self.decode == REDUCED else read_image

    def read(
        self, path: str | Path, read: Callable[[Path, int], np.ndarray] | None = None
    ) -> np.ndarray:
        """Reads, resizes and crops one image file.

        Args:
            path: The file.
            read: Returns its pixels, (H, W, 3) uint8, given a short side in pixels
                that it may shrink the image to; None: `reader`.

        Returns:
            (S, S, 3) uint8 RGB.

        Raises:
            BrokenImage: The file cannot be read as an image.
        """
        return self.crop((read or self.reader)(Path(path), self.short_side))

    def crop(self, image: np.ndarray) -> np.ndarray:
        """Resizes and crops one (H, W, 3) uint8 image to (S, S, 3)."""
        height, width = image.shape[:2]
        scale = self.short_side / min(height, width)
        if scale != 1:
            height = max(self.short_side, round(height * scale))
            width = max(self.short_side, round(width * scale))
            resized = Image.fromarray(image).resize(
                (width, height), Image.Resampling.BILINEAR
            )
            image = np.asarray(resized)
        top = (height - self.image_size) // 2
        left = (width - self.image_size) // 2
        return image[top : top + self.image_size, left : left + self.image_size]

    def normalize(self, images: Tensor) -> Tensor:
        """Returns (N, 3, S, S) normalised float32 of (N, S, S, 3) uint8 RGB images.

        The channels come out in `channel_order`.
        """
        if self.channel_order == "bgr":
            images = images.flip(-1)
        mean = torch.tensor(self.mean, device=images.device)
        std = torch.tensor(self.std, device=images.device)
        return ((images.float() - mean) / std).permute(0, 3, 1, 2)

    def __str__(self) -> str:
        numbers = (
            " ".join(f"{value:g}" for value in values)
            for values in (self.mean, self.std)
        )
        mean, std = numbers
        return (
            f"{self.channel_order.upper()} less {mean} by {std}, the middle "
            f"{self.image_size} of {self.short_side} px"
            + (", JPEGs at reduced scale" if self.decode == REDUCED else "")
        )

    def options(self) -> dict[str, Any]:
        """Returns size, statistics and channel order, as `EvalTransform` takes them."""
        return {
            "image_size": self.image_size,
            "mean": list(self.mean),
            "std": list(self.std),
            "channel_order": self.channel_order,
        }

    def describe(self) -> dict[str, Any]:
        """Returns what a manifest says of the transform."""
        facts = asdict(self)
        del facts["resize_ratio"]  # the short side says it
        if self.channel_order == "rgb":  # as all manifests before there was another
            del facts["channel_order"]
        if self.decode == FULL:
            del facts["decode"]
        return {**facts, "short_side": self.short_side, "resize": "bilinear"}


def pixel_statistics(
    mean: Sequence[float], std: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns mean and std on the scale 0..255, whichever scale they were given on."""
    scale = 255.0 if max(*mean, *std) <= 1 else 1.0
    # Rounded so that 0.485 * 255 and 123.675 are one and the same transform.
    return (
        tuple(round(float(value) * scale, 4) for value in mean),
        tuple(round(float(value) * scale, 4) for value in std),
    )

"""The random parameters of a batch of views, drawn at once.

In NumPy, on the CPU: every device sees the same views, and its calls on a few hundred
numbers take a third of PyTorch's time.
"""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from .recipes import ViewRecipe

#: The orders of brightness 0, contrast 1, saturation 2, hue 3.
ORDERS = tuple(permutations(range(4)))
#: Shares of red, green and blue in grey: ITU-R 601-2, as in Pillow.
LUMA = (0.299, 0.587, 0.114)
_CROP_TRIES = 10  # torchvision's RandomResizedCrop


@dataclass
class ViewDraws:
    """Parameters of one view of N images; every field is indexed by sample.

    Attributes:
        boxes: (N, 4) int64: top, left, height, width of the crop.
        flip: (N,) bool.
        order: (N,) int64: index into `ORDERS` of the colour operations; -1 where
            the colours are left alone.
        factors: (N, 4) float64: brightness, contrast, saturation factor, hue turns.
        grey: (N,) bool.
        sigma: (N,) float64: of the blur; 0 where there is none.
        solarise: (N,) bool.
    """

    boxes: np.ndarray
    flip: np.ndarray
    order: np.ndarray
    factors: np.ndarray
    grey: np.ndarray
    sigma: np.ndarray
    solarise: np.ndarray


def draw_view(
    recipe: ViewRecipe, sizes: np.ndarray, generator: np.random.Generator
) -> ViewDraws:
    """Draws one view of every image.

    Args:
        recipe: The distribution.
        sizes: (N, 2) int64: height and width of each image.
        generator: Advanced by an amount that depends on N alone.
    """
    u = generator.random((11, len(sizes)))
    spread = (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue)
    low, high = recipe.blur_sigma
    order = (u[2] * len(ORDERS)).astype(np.int64)
    return ViewDraws(
        boxes=draw_crops(sizes, recipe.crop_scale, recipe.crop_ratio, generator),
        flip=u[0] < recipe.flip,
        order=np.where(u[1] < recipe.jitter, order, -1),
        factors=(1, 1, 1, 0) + (2 * u[3:7].T - 1) * spread,
        grey=u[7] < recipe.grey,
        sigma=np.where(u[8] < recipe.blur, low + (high - low) * u[9], 0),
        solarise=u[10] < recipe.solarise,
    )


def plain_view(sizes: np.ndarray, share: float) -> ViewDraws:
    """Returns the parameters of the unchanged centre square of every image.

    Args:
        sizes: (N, 2) int64: height and width of each image.
        share: Side of the square, as a share of the short side.
    """
    n = len(sizes)
    side = np.maximum(1, np.rint(share * sizes.min(1, keepdims=True))).astype(np.int64)
    never = np.zeros(n, bool)
    return ViewDraws(
        boxes=np.concatenate([(sizes - side) // 2, side, side], 1),
        flip=never,
        order=np.full(n, -1),
        factors=np.tile([1.0, 1.0, 1.0, 0.0], (n, 1)),
        grey=never,
        sigma=np.zeros(n),
        solarise=never,
    )


def draw_crops(
    sizes: np.ndarray,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: np.random.Generator,
) -> np.ndarray:
    """Draws the boxes of torchvision's ``RandomResizedCrop`` for many images at once.

    Args:
        sizes: (N, 2) int64: height and width of each image.
        scale: Range of the crop's share of the area.
        ratio: Range of its width / height.
        generator: Advanced by an amount that depends on N alone.

    Returns:
        (N, 4) int64: top, left, height, width. Where no try out of ten fits, the
        largest centred box of an allowed ratio.
    """
    height, width = sizes[:, 0], sizes[:, 1]
    u = generator.random((2, _CROP_TRIES, len(sizes)))
    area = height * width * (scale[0] + (scale[1] - scale[0]) * u[0])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = np.exp(low + (high - low) * u[1])
    w = np.rint(np.sqrt(area * aspect))
    h = np.rint(np.sqrt(area / aspect))
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    first = fits.argmax(0), np.arange(len(sizes))  # the first try that fits
    h, w, found = h[first], w[first], fits[first]
    # The fallback's box
    shape = width / height
    centre_h = np.where(shape < ratio[0], np.rint(width / ratio[0]), height)
    centre_w = np.where(shape > ratio[1], np.rint(height * ratio[1]), width)
    h = np.where(found, h, np.minimum(centre_h, height))
    w = np.where(found, w, np.minimum(centre_w, width))
    v = generator.random((2, len(sizes)))
    top = np.where(found, np.floor(v[0] * (height - h + 1)), (height - h) // 2)
    left = np.where(found, np.floor(v[1] * (width - w + 1)), (width - w) // 2)
    return np.stack([top, left, h, w], 1).astype(np.int64)

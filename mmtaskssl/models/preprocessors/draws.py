"""The random parameters of a batch of views, drawn at once on the CPU."""

import math
from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

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
        factors: (N, 4) float32: brightness, contrast, saturation factor, hue turns.
        grey: (N,) bool.
        sigma: (N,) float32: of the blur; 0 where there is none.
        solarise: (N,) bool.
    """

    boxes: Tensor
    flip: Tensor
    order: Tensor
    factors: Tensor
    grey: Tensor
    sigma: Tensor
    solarise: Tensor


def draw_view(
    recipe: ViewRecipe, sizes: Tensor, generator: torch.Generator
) -> ViewDraws:
    """Draws one view of every image.

    The draws are made on the CPU, so every device sees the same views.

    Args:
        recipe: The distribution.
        sizes: (N, 2) int64: height and width of each image.
        generator: A CPU generator.
    """
    n = len(sizes)
    u = torch.rand(n, 12, generator=generator, dtype=torch.float64)
    low, high = recipe.blur_sigma
    spread = u.new_tensor(
        [recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue]
    )
    factors = (2 * u[:, 3:7] - 1) * spread + u.new_tensor([1, 1, 1, 0])
    order = (u[:, 2] * math.factorial(4)).long()
    order[u[:, 1] >= recipe.jitter] = -1
    sigma = low + (high - low) * u[:, 9]
    sigma[u[:, 8] >= recipe.blur] = 0
    return ViewDraws(
        boxes=draw_crops(sizes, recipe.crop_scale, recipe.crop_ratio, generator),
        flip=u[:, 0] < recipe.flip,
        order=order,
        factors=factors.float(),
        grey=u[:, 7] < recipe.grey,
        sigma=sigma.float(),
        solarise=u[:, 10] < recipe.solarise,
    )


def plain_view(sizes: Tensor, share: float) -> ViewDraws:
    """Returns the parameters of the unchanged centre square of every image.

    Args:
        sizes: (N, 2) int64: height and width of each image.
        share: Side of the square, as a share of the short side.
    """
    n = len(sizes)
    side = (sizes.amin(1, keepdim=True) * share).round().long().clamp_min(1)
    never = torch.zeros(n, dtype=torch.bool)
    return ViewDraws(
        boxes=torch.cat([(sizes - side) // 2, side, side], 1),
        flip=never,
        order=torch.full((n,), -1),
        factors=torch.tensor([1.0, 1.0, 1.0, 0.0]).expand(n, 4),
        grey=never,
        sigma=torch.zeros(n),
        solarise=never,
    )


def draw_crops(
    sizes: Tensor,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """Draws the boxes of torchvision's ``RandomResizedCrop`` for many images at once.

    Args:
        sizes: (N, 2) int64: height and width of each image.
        scale: Range of the crop's share of the area.
        ratio: Range of its width / height.
        generator: A CPU generator.

    Returns:
        (N, 4) int64: top, left, height, width. Where no try out of ten fits, the
        largest centred box of an allowed ratio.
    """
    n = len(sizes)
    height, width = sizes[:, :1].double(), sizes[:, 1:].double()
    u = torch.rand(4, n, _CROP_TRIES, generator=generator, dtype=torch.float64)
    area = height * width * (scale[0] + (scale[1] - scale[0]) * u[0])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = torch.exp(low + (high - low) * u[1])
    w = torch.round(torch.sqrt(area * aspect))
    h = torch.round(torch.sqrt(area / aspect))
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    # argmax of a 0/1 tensor: the first try that fits
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    h, w = h.gather(1, first), w.gather(1, first)
    top = torch.floor(u[2].gather(1, first) * (height - h + 1))
    left = torch.floor(u[3].gather(1, first) * (width - w + 1))

    image_ratio = width / height
    centre_h = torch.where(
        image_ratio < ratio[0], torch.round(width / ratio[0]), height
    )
    centre_w = torch.where(
        image_ratio > ratio[1], torch.round(height * ratio[1]), width
    )
    centre_h, centre_w = centre_h.minimum(height), centre_w.minimum(width)
    centre = [(height - centre_h) // 2, (width - centre_w) // 2, centre_h, centre_w]
    boxes = torch.where(
        fits.any(1, keepdim=True),
        torch.cat([top, left, h, w], 1),
        torch.cat(centre, 1),
    )
    return boxes.long()

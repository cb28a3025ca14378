"""Colour operations on batches in 0..1, in place, with one parameter per sample.

Each follows torchvision's function of the same name (``adjust_brightness`` ...), which
follows Pillow's, without the rounding to 8 bits between operations.
"""

from itertools import permutations

import torch
from torch import Tensor

#: The orders of brightness 0, contrast 1, saturation 2, hue 3.
ORDERS = tuple(permutations(range(4)))
_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601-2, as in Pillow


def luma(x: Tensor) -> Tensor:
    """Returns the grey image (N, 1, H, W) of (N, 3, H, W)."""
    grey = x[:, 0:1] * _LUMA[0]
    return grey.add_(x[:, 1:2], alpha=_LUMA[1]).add_(x[:, 2:3], alpha=_LUMA[2])


def brightness_(x: Tensor, factor: Tensor) -> Tensor:
    """Scales all values; ``factor`` (N, 1, 1, 1) >= 0."""
    return x.mul_(factor).clamp_(max=1)


def contrast_(x: Tensor, factor: Tensor) -> Tensor:
    """Scales the distance to the image's mean grey; ``factor`` (N, 1, 1, 1)."""
    mean = luma(x).mean((2, 3), keepdim=True)
    return x.mul_(factor).add_((1 - factor) * mean).clamp_(0, 1)


def saturation_(x: Tensor, factor: Tensor) -> Tensor:
    """Scales the distance to the pixel's own grey; ``factor`` (N, 1, 1, 1)."""
    return torch.lerp(luma(x), x, factor, out=x).clamp_(0, 1)


def hue_(x: Tensor, turns: Tensor) -> Tensor:
    """Rotates the HSV hue by ``turns`` (N, 1, 1, 1), keeping value and chroma."""
    red, green, blue = x.split(1, 1)
    high = torch.maximum(red, green).maximum(blue)
    low = torch.minimum(red, green).minimum(blue)
    chroma = high - low
    # Hue in sextants: red 0, green 2, blue 4. Grey pixels have none, and any will do.
    scale = chroma.clamp_min(1e-8).reciprocal_()
    hue = torch.where(
        high == green, (blue - red) * scale + 2, (red - green) * scale + 4
    )
    hue = torch.where(high == red, (green - blue) * scale, hue).add_(6 * turns)
    hue.sub_(torch.floor(hue / 6), alpha=6)
    # Each channel is a trapezium over the hue circle.
    ramps = ((hue - 3).abs_().sub_(1), 2 - (hue - 2).abs_(), 2 - (hue - 4).abs_())
    for channel, ramp in zip((red, green, blue), ramps, strict=True):
        torch.addcmul(low, chroma, ramp.clamp_(0, 1), out=channel)
    return x


_OPERATIONS = (brightness_, contrast_, saturation_, hue_)


def jitter_(x: Tensor, factors: Tensor, order: int) -> Tensor:
    """Applies the four operations in one of the 24 orders.

    Args:
        x: (N, 3, H, W) in 0..1, changed in place.
        factors: (N, 4): brightness, contrast, saturation factor, hue turns.
        order: Index into `ORDERS`.
    """
    columns = factors[:, :, None, None, None].unbind(1)
    for operation in ORDERS[order]:
        _OPERATIONS[operation](x, columns[operation])
    return x


def grey_(x: Tensor) -> Tensor:
    """Drops the colours."""
    return x.copy_(luma(x).expand_as(x))


def solarise_(x: Tensor) -> Tensor:
    """Inverts values of one half and above (128 of 255)."""
    return x.copy_(torch.where(x >= 128 / 255, 1 - x, x))

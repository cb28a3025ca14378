"""Feature maps of different resolutions of one crop."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def to_grid(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Returns maps at another resolution: means of what a position covers.

    Args:
        maps: (N, C, H, W).
        size: Height and width wanted; where they are larger than the maps', bilinear.
    """
    height, width = size
    if maps.shape[2:] == (height, width):
        return maps
    if height <= maps.shape[2] and width <= maps.shape[3]:
        return F.adaptive_avg_pool2d(maps, (height, width))
    return F.interpolate(maps, (height, width), mode="bilinear", align_corners=False)

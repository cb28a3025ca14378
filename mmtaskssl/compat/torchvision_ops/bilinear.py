"""Values between the cells of a map, and what of them each cell is."""

import torch
from torch import Tensor


def corners(y: Tensor, x: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Returns the four cells around places, and their bilinear weights.

    More than one cell outside the map nothing is seen; up to there, its edge.

    Args:
        y: In cells, of any shape.
        x: Like ``y``.
        height: Of the map.
        width: Of the map.

    Returns:
        Flat indices of the cells, and weights, (4, *y.shape) each.
    """
    inside = (y >= -1) & (y <= height) & (x >= -1) & (x <= width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    y0, x0 = y.detach().floor(), x.detach().floor()
    dy, dx = y - y0, x - x0
    y0, x0 = y0.long(), x0.long()
    y1, x1 = (y0 + 1).clamp(max=height - 1), (x0 + 1).clamp(max=width - 1)
    index = torch.stack(
        [y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1]
    )
    weight = torch.stack([(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx])
    return index, weight * inside

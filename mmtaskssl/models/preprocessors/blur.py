"""Gaussian blur with one standard deviation per sample."""

import math

import torch
from torch import Tensor


def gaussian_matrix(sigma: Tensor, size: int) -> Tensor:
    """Returns the blur of a line of ``size`` pixels as matrices (N, size, size).

    Taps reach to 3 sigma of the largest; beyond the border the edge pixel repeats.

    Args:
        sigma: (N,) standard deviations in pixels, > 0.
        size: Pixels of the line.
    """
    reach = max(1, math.ceil(3 * float(sigma.max())))
    offsets = torch.arange(-reach, reach + 1, device=sigma.device)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    taps /= taps.sum(1, keepdim=True)
    rows = torch.arange(size, device=sigma.device)
    columns = (rows[:, None] + offsets).clamp_(0, size - 1)
    matrix = taps.new_zeros(len(sigma), size, size)
    shape = (len(sigma), size, len(offsets))
    return matrix.scatter_add_(
        2, columns.expand(shape), taps[:, None].expand(shape).contiguous()
    )


def blur(x: Tensor, sigma: Tensor) -> Tensor:
    """Returns (N, C, H, W) blurred with ``sigma`` (N,)."""
    down = gaussian_matrix(sigma, x.shape[2])[:, None]
    across = gaussian_matrix(sigma, x.shape[3])[:, None]
    return down @ x @ across.mT

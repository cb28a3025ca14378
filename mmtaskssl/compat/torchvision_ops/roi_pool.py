"""RoI pooling (Girshick, Fast R-CNN, ICCV 2015, section 2.1): maxima of whole cells."""

import math

import torch
from torch import Tensor

from .precision import computable


def roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Writes the maximum of each bin of each region.

    A region ends behind its last pixel, and a bin has all cells that it touches. One
    that has none is 0, and so is a region of no size.

    Args:
        input: (N, C, H, W).
        rois: (R, 5): image index, x1, y1, x2, y2 in pixels of the image.
        output: (R, C, pooled_height, pooled_width), out.
        argmax: Like ``output``, int32, out: the cell of each maximum, counted row by
            row, or -1.
        pooled_height: Bins along y.
        pooled_width: Bins along x.
        spatial_scale: Cells of ``input`` per pixel of the image.
    """
    x = computable(input)
    output.zero_()
    argmax.fill_(-1)
    for number, (image, *box) in enumerate(computable(rois).tolist()):
        left, top = box[0] * spatial_scale, box[1] * spatial_scale
        right, bottom = ((side + 1) * spatial_scale for side in box[2:])
        if right <= left or bottom <= top:
            continue
        rows = _bins(top, bottom, pooled_height, x.shape[2], x)
        columns = _bins(left, right, pooled_width, x.shape[3], x)
        best, where = _maxima(x[int(image)], rows, columns)
        output[number] = best.to(output)
        argmax[number] = where.to(argmax)


def roi_pool_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax: Tensor,
    grad_input: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
) -> None:
    """Adds the gradient of `roi_pool_forward` to ``grad_input`` (N, C, H, W).

    Args as there; ``grad_output`` has the shape of ``output``.
    """
    channels, height, width = grad_input.shape[1:]
    plane = rois[:, 0].long()[:, None] * channels
    plane = plane + torch.arange(channels, device=rois.device)
    index = argmax.long() + (plane * height * width)[:, :, None, None]
    taken = argmax >= 0
    flat = grad_output.new_zeros(grad_input.numel())
    flat.index_add_(0, index[taken], grad_output[taken])
    grad_input += flat.view(grad_input.shape)


def _bins(start: float, end: float, bins: int, cells: int, like: Tensor) -> Tensor:
    """Returns which cells along a side each bin touches, (bins, cells)."""
    size = (end - start) / bins
    first = [math.floor(start + number * size) for number in range(bins)]
    last = [math.ceil(start + (number + 1) * size) for number in range(bins)]
    cell = torch.arange(cells, device=like.device)
    begin, stop = torch.tensor([first, last], device=like.device)[:, :, None]
    return (cell >= begin) & (cell < stop)


def _maxima(x: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the maxima of a map's bins and their cells, (C, bins y, bins x) each."""
    lowest = torch.finfo(x.dtype).min
    # First along x, for each row, then along y.
    best, place_x = x[:, :, None].masked_fill(~columns, lowest).max(dim=3)
    best, place_y = best[:, None].masked_fill(~rows[:, :, None], lowest).max(dim=2)
    place_x = place_x.gather(1, place_y)
    empty = ~(rows.any(dim=1)[:, None] & columns.any(dim=1))
    where = (place_y * x.shape[2] + place_x).masked_fill(empty, -1)
    return best.masked_fill(empty, 0), where

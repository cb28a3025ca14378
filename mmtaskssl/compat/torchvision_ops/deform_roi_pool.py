"""Deformable RoI pooling (Dai et al., ICCV 2017, section 2.2): bins that move."""

import math

import torch
from torch import Tensor

from .bilinear import corners
from .precision import computable


def deform_roi_pool_forward(
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    output: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Writes the mean of the values in each bin of each region.

    Args:
        input: (N, C, H, W).
        rois: (R, 5): image index, x1, y1, x2, y2 in pixels of the image.
        offset: (R, 2, pooled_height, pooled_width): by how much of ``gamma`` times the
            region's width, and of its height, each bin moves; or empty.
        output: (R, C, pooled_height, pooled_width), out.
        pooled_height: Bins along y.
        pooled_width: Bins along x.
        spatial_scale: Cells of ``input`` per pixel of the image.
        sampling_ratio: Samples a bin and side; 0 takes about one a cell.
        gamma: See ``offset``.
    """
    size = (pooled_height, pooled_width)
    x = computable(input)
    moved = computable(offset).to(x) if offset.numel() else None
    output.copy_(_pool(x, rois, moved, size, spatial_scale, sampling_ratio, gamma))


def deform_roi_pool_backward(
    grad_output: Tensor,
    input: Tensor,
    rois: Tensor,
    offset: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    pooled_height: int,
    pooled_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    gamma: float,
) -> None:
    """Adds the gradients of `deform_roi_pool_forward` by input and offset.

    Args as there; ``grad_output`` has the shape of ``output``, ``grad_input`` and
    ``grad_offset`` are out.
    """
    size = (pooled_height, pooled_width)
    with torch.enable_grad():
        x = computable(input).detach().requires_grad_()
        moved = None
        if offset.numel():
            moved = computable(offset).to(x).detach().requires_grad_()
        found = _pool(x, rois, moved, size, spatial_scale, sampling_ratio, gamma)
        if not found.requires_grad:  # no regions
            return
        wanted = [x] if moved is None else [x, moved]
        grads = torch.autograd.grad(found, wanted, grad_output.to(found))
    grad_input += grads[0]
    if moved is not None:
        grad_offset += grads[1]


def _pool(
    x: Tensor,
    rois: Tensor,
    offset: Tensor | None,
    size: tuple[int, int],
    scale: float,
    ratio: int,
    gamma: float,
) -> Tensor:
    """Returns the means (R, C, *size), which can be differentiated."""
    height, width = x.shape[2:]
    pooled = [x.new_zeros(0, x.shape[1], *size)]
    for number, (image, *box) in enumerate(computable(rois).tolist()):
        left, top, right, bottom = (side * scale - 0.5 for side in box)
        ys = _samples(top, bottom, size[0], ratio, x)[:, None, :, None]
        xs = _samples(left, right, size[1], ratio, x)[None, :, None, :]
        if offset is not None:
            by_x, by_y = gamma * offset[number, :, :, :, None, None]
            xs, ys = xs + by_x * (right - left), ys + by_y * (bottom - top)
        ys, xs = torch.broadcast_tensors(ys, xs)  # (bins y, bins x, samples y, x)
        index, weight = corners(ys, xs, height, width)
        values = (x[int(image)].flatten(1)[:, index] * weight).sum(dim=1)
        count = max(ys.shape[2] * ys.shape[3], 1)
        pooled.append((values.sum(dim=(3, 4)) / count)[None])
    return torch.cat(pooled)


def _samples(start: float, end: float, bins: int, ratio: int, like: Tensor) -> Tensor:
    """Returns the places of the samples along a side, (bins, samples)."""
    length = (end - start) / bins
    count = max(ratio if ratio > 0 else math.ceil(length), 0)
    bin_ = torch.arange(bins, dtype=like.dtype, device=like.device)[:, None]
    step = torch.arange(count, dtype=like.dtype, device=like.device) + 0.5
    return start + (bin_ + step / max(count, 1)) * length

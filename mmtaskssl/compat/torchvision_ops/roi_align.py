"""RoIAlign (He et al., Mask R-CNN, ICCV 2017, section 3), average and maximum."""

import math

import torch
import torchvision  # noqa: F401  (registers torch.ops.torchvision)
from torch import Tensor

from .bilinear import corners
from .precision import computable

_MAX = 0
# Farther out than any sample that still gets a weight.
_NOWHERE = -2.0


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Pools each region of interest to a fixed size.

    Args:
        input: (N, C, H, W).
        rois: (R, 5): image index, x1, y1, x2, y2 in pixels of the image.
        output: (R, C, aligned_height, aligned_width), out.
        argmax_y: Like ``output`` for maximum, out: where the maximum was sampled, in
            cells of ``input``; empty for average.
        argmax_x: Like ``argmax_y``.
        aligned_height: Bins along y.
        aligned_width: Bins along x.
        spatial_scale: Cells of ``input`` per pixel of the image.
        sampling_ratio: Samples a bin and side; 0 takes about one a cell.
        pool_mode: 0 maximum, 1 average. Average is torchvision's kernel; maximum is
            plain torch and loops over the regions.
        aligned: Shift by half a cell, so that cell centres lie at whole numbers.
    """
    x, rois = computable(input), computable(rois)
    size = (aligned_height, aligned_width)
    if pool_mode == _MAX:
        pooled, *argmax = _max_pool(
            x, rois, size, spatial_scale, sampling_ratio, aligned
        )
        argmax_y.copy_(argmax[0])
        argmax_x.copy_(argmax[1])
    else:
        pooled = torch.ops.torchvision.roi_align(
            x, rois.to(x.dtype), spatial_scale, *size, sampling_ratio, aligned
        )
    output.copy_(pooled)


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Adds the gradient of `roi_align_forward` to ``grad_input`` (N, C, H, W).

    Args as there; ``grad_output`` has the shape of ``output``. On CUDA the average's
    kernel adds in no fixed order, and torch says so where deterministic algorithms
    are asked for.
    """
    grad, rois = computable(grad_output), computable(rois)
    if pool_mode == _MAX:
        grad_input += _max_pool_backward(
            grad, rois, computable(argmax_y), computable(argmax_x), grad_input.shape
        )
        return
    grad_input += torch.ops.torchvision._roi_align_backward(
        grad,
        rois.to(grad.dtype),
        spatial_scale,
        aligned_height,
        aligned_width,
        *grad_input.shape,
        sampling_ratio,
        aligned,
    )


def _max_pool(
    x: Tensor,
    rois: Tensor,
    size: tuple[int, int],
    scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the maxima and where they are, each (R, C, *size)."""
    height, width = x.shape[-2:]
    shape = (len(rois), x.shape[1], *size)
    pooled = x.new_zeros(shape)
    argmax_y, argmax_x = x.new_full(shape, _NOWHERE), x.new_full(shape, _NOWHERE)
    for r, (image, *box) in enumerate(rois.tolist()):
        left, top, right, bottom = (v * scale - 0.5 * aligned for v in box)
        ys = _sample_places(top, bottom, size[0], sampling_ratio, aligned, x)
        xs = _sample_places(left, right, size[1], sampling_ratio, aligned, x)
        if not len(ys) or not len(xs):
            continue
        index, weight = corners(*torch.meshgrid(ys, xs, indexing="ij"), height, width)
        values = (x[int(image)].flatten(1)[:, index] * weight).sum(dim=1)
        # (C, bins y, samples y, bins x, samples x) -> one row of samples a bin
        values = values.unflatten(2, (size[1], -1)).unflatten(1, (size[0], -1))
        samples_x = values.shape[-1]
        best, where = values.transpose(2, 3).flatten(3).max(dim=3)
        pooled[r] = best
        bin_y = torch.arange(size[0], device=x.device)[:, None]
        bin_x = torch.arange(size[1], device=x.device)
        argmax_y[r] = ys[bin_y * values.shape[2] + where // samples_x]
        argmax_x[r] = xs[bin_x * samples_x + where % samples_x]
    return pooled, argmax_y, argmax_x


def _sample_places(
    start: float, end: float, bins: int, ratio: int, aligned: bool, like: Tensor
) -> Tensor:
    """Sample places along one side, all bins in a row."""
    length = end - start if aligned else max(end - start, 1.0)
    samples = max(ratio if ratio > 0 else math.ceil(length / bins), 0)
    steps = torch.arange(bins * samples, dtype=like.dtype, device=like.device) + 0.5
    return start + steps * length / max(bins * samples, 1)


def _max_pool_backward(
    grad: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor, shape: torch.Size
) -> Tensor:
    channels, height, width = shape[1:]
    index, weight = corners(argmax_y, argmax_x, height, width)
    plane = rois[:, 0].long()[:, None] * channels
    plane = plane + torch.arange(channels, device=grad.device)
    index = index + (plane * height * width)[:, :, None, None]
    flat = grad.new_zeros(shape.numel())
    return flat.index_add_(0, index.flatten(), (grad * weight).flatten()).view(shape)

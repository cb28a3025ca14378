"""Border align (Qiu et al., BorderDet, ECCV 2020): the maximum along a box's side."""

import torch
from torch import Tensor

from .bilinear import corners
from .precision import computable


def border_align_forward(
    input: Tensor, boxes: Tensor, output: Tensor, argmax_idx: Tensor, pool_size: int
) -> None:
    """Writes the maximum of the values along each side of each box.

    Args:
        input: (N, 4 * C, H, W): maps for the top, left, bottom and right sides.
        boxes: (N, K, 4), x1 y1 x2 y2 in cells.
        output: (N, C, K, 4), out, in the order of the maps.
        argmax_idx: Like ``output``, int32, out: at which place of the side.
        pool_size: Steps along a side; a place more than that is looked at.
    """
    x = computable(input)
    for side, planes in enumerate(x.flatten(2).chunk(4, dim=1)):
        for step in range(pool_size + 1):
            places = _places(computable(boxes), side, torch.tensor(step), pool_size)
            found = _values(planes, *places, x.shape[2], x.shape[3])
            if step == 0:
                best, where = found, torch.zeros_like(found, dtype=torch.int64)
                continue
            where = torch.where(found > best, step, where)
            best = torch.maximum(found, best)
        output[..., side] = best
        argmax_idx[..., side] = where


def border_align_backward(
    grad_output: Tensor,
    boxes: Tensor,
    argmax_idx: Tensor,
    grad_input: Tensor,
    pool_size: int,
) -> None:
    """Adds the gradient of `border_align_forward` to ``grad_input`` (N, 4 * C, H, W).

    Args as there; ``grad_output`` has the shape of ``output``.
    """
    count, channels = grad_input.shape[0], grad_input.shape[1] // 4
    height, width = grad_input.shape[2:]
    grad, boxes = computable(grad_output), computable(boxes)
    flat = grad.new_zeros(count, 4 * channels, height * width)
    for side in range(4):
        steps = argmax_idx[..., side]
        y, x = _places(boxes[:, None], side, steps, pool_size)
        index, weight = corners(y, x, height, width)  # (4, N, C, K)
        planes = flat[:, side * channels : (side + 1) * channels]
        for corner in range(4):
            planes.scatter_add_(2, index[corner], grad[..., side] * weight[corner])
    grad_input += flat.view(grad_input.shape)


def _places(
    boxes: Tensor, side: int, step: Tensor, pool_size: int
) -> tuple[Tensor, Tensor]:
    """Returns rows and columns of places on the sides of boxes.

    The top and left sides begin at the first corner, the others at the last one.
    """
    x1, y1, x2, y2 = boxes.unbind(-1)
    start, sign = ((x1, y1), 1) if side < 2 else ((x2, y2), -1)
    along = sign * step.to(boxes) / pool_size
    if side % 2:
        return start[1] + along * (y2 - y1), start[0] + along * 0
    return start[1] + along * 0, start[0] + along * (x2 - x1)


def _values(planes: Tensor, y: Tensor, x: Tensor, height: int, width: int) -> Tensor:
    """Returns the values (N, C, K) of maps (N, C, H * W) at places (N, K)."""
    index, weight = corners(y, x, height, width)
    shape = (*planes.shape[:2], y.shape[1])
    found = planes.new_zeros(shape)
    for cell, share in zip(index, weight, strict=True):
        values = planes.gather(2, cell[:, None].expand(shape))
        found = found + values * share[:, None]
    return found

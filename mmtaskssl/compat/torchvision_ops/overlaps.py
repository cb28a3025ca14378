"""Overlaps of boxes."""

import torch
from torch import Tensor

from .precision import computable

_UNION = 0


def iou(a: Tensor, b: Tensor, offset: int) -> Tensor:
    """Returns the intersection over union of each box of ``a`` and each of ``b``.

    Args:
        a: (M, 4), x1 y1 x2 y2 in pixels.
        b: (N, 4).
        offset: 0 or 1; a side is ``x2 - x1 + offset`` long.

    Returns:
        (M, N).
    """
    inter = _intersection(a[:, None], b, offset)
    return inter / (_area(a, offset)[:, None] + _area(b, offset) - inter)


def bbox_overlaps(
    bboxes1: Tensor,
    bboxes2: Tensor,
    ious: Tensor,
    mode: int,
    aligned: bool,
    offset: int,
) -> None:
    """Writes the overlaps of two sets of boxes to ``ious``.

    Args:
        bboxes1: (M, 4), x1 y1 x2 y2 in pixels.
        bboxes2: (N, 4).
        ious: (M, N), or (M,) where ``aligned``, out.
        mode: 0 intersection over union, 1 over the area of the first box.
        aligned: Each box of the one set with its fellow of the other.
        offset: 0 or 1; a side is ``x2 - x1 + offset`` long. It is the least that is
            divided by, too.
    """
    a, b = computable(bboxes1), computable(bboxes2)
    first = a if aligned else a[:, None]
    inter = _intersection(first, b, offset)
    base = _area(first, offset)
    if mode == _UNION:
        base = base + _area(b, offset) - inter
    ious.copy_(inter / base.clamp(min=offset))


def _intersection(a: Tensor, b: Tensor, offset: int) -> Tensor:
    near = torch.maximum(a[..., :2], b[..., :2])
    far = torch.minimum(a[..., 2:], b[..., 2:])
    return (far - near + offset).clamp(min=0).prod(dim=-1)


def _area(boxes: Tensor, offset: int) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2] + offset).prod(dim=-1)

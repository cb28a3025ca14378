"""Non-maximum suppression."""

import torch
import torchvision
from torch import Tensor

from .overlaps import iou
from .precision import computable

_NAIVE, _LINEAR = 0, 1


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy suppression: a box goes if its IoU with a better one is > the threshold.

    Args:
        boxes: (N, 4), x1 y1 x2 y2 in pixels.
        scores: (N,).
        iou_threshold: Between 0 and 1.
        offset: 0 or 1; a side is ``x2 - x1 + offset`` long.

    Returns:
        (K,) int64 indices of the kept boxes, best score first; equal scores keep
        their order.
    """
    dtype = torch.promote_types(computable(boxes).dtype, computable(scores).dtype)
    boxes, scores = boxes.to(dtype), scores.to(dtype)
    # Moving the far corner by the offset gives the same sides, areas and overlaps.
    boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return torchvision.ops.nms(boxes, scores, _single(iou_threshold))


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Greedy suppression that keeps account: which box was dropped for which.

    Args:
        dets: (N, 5), x1 y1 x2 y2 in pixels and the score.
        iou_threshold: Between 0 and 1; a box goes if its IoU with a better one is not
            below.

    Returns:
        For each kept box, best score first, its index and those of the boxes that it
        suppressed, in the order of their scores.
    """
    dets = computable(dets)
    boxes, order = dets[:, :4], dets[:, 4].argsort(descending=True, stable=True)
    threshold, groups = _single(iou_threshold), []
    while len(order):
        best, order = order[0], order[1:]
        near = iou(boxes[best, None], boxes[order], 0)[0] >= threshold
        groups.append([int(best), *order[near].tolist()])
        order = order[~near]
    return groups


def _single(threshold: float) -> float:
    """Returns a threshold as the kernels hold it: in single precision.

    0.7 is not the number that 7 of 10 equal parts are there; without this boxes at
    just the threshold would be decided otherwise.
    """
    return torch.tensor(threshold, dtype=torch.float32).item()


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Soft-NMS (Bodla et al., ICCV 2017): overlap lowers scores instead of removing.

    Args:
        boxes: (N, 4), x1 y1 x2 y2 in pixels.
        scores: (N,).
        dets: (N, 5), out: box and final score of each kept box in the first K rows.
        iou_threshold: From which overlap on methods 0 and 1 act.
        sigma: Width of the Gaussian, method 2.
        min_score: A box whose lowered score is below is dropped.
        method: 0 removes, 1 multiplies by ``1 - IoU``, 2 by ``exp(-IoU^2 / sigma)``.
        offset: 0 or 1; a side is ``x2 - x1 + offset`` long.

    Returns:
        (K,) int64 indices of the kept boxes in the order they were picked.
    """
    far = boxes[:, 2:] + offset
    areas = (far - boxes[:, :2]).prod(dim=1)
    scores = scores.clone()
    left = torch.arange(len(boxes), device=boxes.device)
    kept = []
    while len(left):
        best = left[scores[left].argmax()]
        dets[len(kept), :4] = boxes[best]
        dets[len(kept), 4] = scores[best]
        kept.append(best)
        left = left[left != best]
        near = torch.maximum(boxes[left, :2], boxes[best, :2])
        sides = (torch.minimum(far[left], far[best]) - near).clamp(min=0)
        overlap = sides.prod(dim=1)
        iou = overlap / (areas[left] + areas[best] - overlap)
        if method == _NAIVE:
            factor = torch.where(iou >= iou_threshold, 0.0, 1.0)
        elif method == _LINEAR:
            factor = torch.where(iou >= iou_threshold, 1 - iou, 1.0)
        else:
            factor = torch.exp(-iou.square() / sigma)
        scores[left] *= factor.to(scores)
        left = left[~(scores[left] < min_score)]
    return torch.stack(kept) if kept else left

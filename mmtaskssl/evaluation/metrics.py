"""Accuracy and average precision."""

import torch
from torch import Tensor


def top1(scores: Tensor, labels: Tensor) -> float:
    """Returns the share of rows whose highest score is at their label.

    Args:
        scores: (N, C).
        labels: (N,) class indices.
    """
    return (scores.argmax(dim=1) == labels).double().mean().item()


def mean_per_class(scores: Tensor, labels: Tensor) -> float:
    """Returns the mean over the classes in ``labels`` of each class's accuracy.

    Args:
        scores: (N, C).
        labels: (N,) class indices.
    """
    correct = (scores.argmax(dim=1) == labels).double()
    classes, index, count = labels.unique(return_inverse=True, return_counts=True)
    hits = torch.zeros(len(classes), dtype=torch.float64, device=labels.device)
    return (hits.index_add_(0, index, correct) / count).mean().item()


def average_precision(
    scores: Tensor, positive: Tensor, eleven_points: bool = False
) -> float:
    """Returns the average precision of one class, as the PASCAL VOC defines it.

    Precision at a recall is the highest precision at that recall or beyond. Rows of
    equal score enter together, so that their order does not matter.

    Args:
        scores: (N,) higher is more confident.
        positive: (N,) booleans.
        eleven_points: The mean precision at recalls 0, 0.1 ... 1 (VOC 2007,
            Everingham et al., IJCV 2010, section 4.2) instead of the area under the
            whole curve (VOC 2010 and later).

    Returns:
        0..1; NaN without a positive row.
    """
    positives = int(positive.sum())
    if positives == 0:
        return float("nan")
    order = scores.argsort(descending=True, stable=True)
    ranked, hit = scores[order], positive[order].double()
    last_of_tie = torch.ones_like(hit, dtype=torch.bool)
    last_of_tie[:-1] = ranked[:-1] != ranked[1:]
    found = hit.cumsum(0)[last_of_tie]
    shown = torch.arange(1, len(hit) + 1, device=hit.device)[last_of_tie]
    recall = found / positives
    precision = (found / shown).flip(0).cummax(0).values.flip(0)
    if eleven_points:
        # In whole hits, since 0.1 is no binary fraction.
        needed = torch.arange(11, device=hit.device) * positives
        first = torch.searchsorted(10 * found.long(), needed)
        return precision[first].mean().item()
    step = torch.diff(recall, prepend=recall.new_zeros(1))
    return (step * precision).sum().item()


def multilabel_map(
    scores: Tensor, targets: Tensor, eleven_points: bool = False
) -> float:
    """Returns the mean average precision over the classes that have a positive row.

    Args:
        scores: (N, C).
        targets: (N, C) zero-one labels; a row with a negative one does not take part
            in that class.
        eleven_points: See `average_precision`.
    """
    values = []
    for score, target in zip(scores.T, targets.T, strict=True):
        score, positive = score[target >= 0], target[target >= 0] > 0.5
        if bool(positive.any()):
            values.append(average_precision(score, positive, eleven_points))
    return sum(values) / len(values) if values else float("nan")


def classification_metrics(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """Returns what a task is judged by, in percent.

    Args:
        scores: (N, C).
        labels: (N,) class indices: top-1 and mean per class. (N, C) zero-one labels
            (negative: left open): mAP, all points and 11 points.
    """
    if labels.dim() == 2:
        return {
            "mAP": 100 * multilabel_map(scores, labels),
            "mAP_11point": 100 * multilabel_map(scores, labels, eleven_points=True),
        }
    return {
        "top1": 100 * top1(scores, labels),
        "mean_per_class": 100 * mean_per_class(scores, labels),
    }

"""Weighted nearest-neighbour classification of features."""

import torch
from torch import Tensor

from ..utils.families import BadValue, ShapeMismatch, TooFewImages
from .neighbours import Neighbours, nearest

# Rows whose neighbours' labels of all classes are held at once.
_VOTES = 1024


@torch.no_grad()
def weighted_knn(
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    num_classes: int,
    k: int = 20,
    temperature: float = 0.07,
) -> Tensor:
    """Scores each class by the votes of the ``k`` most similar training rows.

    A neighbour at cosine similarity ``s`` votes for its class with weight
    ``exp(s / temperature)`` (Wu et al., "Unsupervised Feature Learning via
    Non-Parametric Instance Discrimination", CVPR 2018, section 3.4; the protocol of
    MoCo's, BYOL's and DINO's kNN tables). The votes of a row are divided by their
    sum, which changes no ranking within the row, makes any temperature safe from
    overflow and lets scores be compared between rows, as average precision needs. Of
    equally near rows the first ones vote, so that the order of ties is no chance.
    Beside its inputs and its result it needs the same memory for any number of rows.

    Args:
        train_x: (M, D) features; normalised here.
        train_y: (M,) class indices, or (M, C) zero-one labels of a multi-label task;
            negative ones (left open) vote for nothing.
        test_x: (N, D) features on the same device; normalised here.
        num_classes: C.
        k: Neighbours; clipped to M.
        temperature: Above 0.

    Returns:
        (N, C) float32 scores, at least 0. Rows sum to 1 if each training row has
        one class.

    Raises:
        UserError: No training row, dims that differ, k or temperature out of range,
            a label outside the classes.
    """
    rows = len(train_x)
    if rows == 0:
        raise TooFewImages("kNN needs at least one training feature")
    if train_x.shape[1:] != test_x.shape[1:] or train_x.dim() != 2:
        raise ShapeMismatch(
            f"train features {tuple(train_x.shape)} and test features "
            f"{tuple(test_x.shape)} must both be (rows, dim) with the same dim"
        )
    if k < 1 or temperature <= 0:
        raise BadValue(
            f"kNN needs k >= 1 and temperature > 0, got k={k}, "
            f"temperature={temperature}"
        )
    votes = class_votes(train_y, rows, num_classes).to(train_x.device)
    numbers = torch.arange(rows, device=train_x.device)
    found = nearest(train_x, test_x, min(k, rows), numbers)
    return count_votes(found, votes, num_classes, temperature)


def count_votes(
    found: Neighbours, votes: Tensor, num_classes: int, temperature: float
) -> Tensor:
    """Returns the scores (N, C) float32 of `weighted_knn`.

    Args:
        found: (N, k) neighbours.
        votes: Of all training rows, as `class_votes` returns them.
        num_classes: C.
        temperature: Above 0.
    """
    weight = (found.similarity / temperature).softmax(dim=1)  # (N, k)
    scores = weight.new_zeros(len(weight), num_classes)
    if votes.dim() == 1:
        return scores.scatter_add_(1, votes[found.row], weight)
    parts = zip(
        scores.split(_VOTES), weight.split(_VOTES), found.row.split(_VOTES), strict=True
    )
    for part, some, rows in parts:
        part.copy_(torch.einsum("nk,nkc->nc", some, votes[rows]))
    return scores


def class_votes(train_y: Tensor, rows: int, num_classes: int) -> Tensor:
    """Returns class indices (M,) int64, or what each row gives each class (M, C).

    Args:
        train_y: See `weighted_knn`.
        rows: M.
        num_classes: C.

    Raises:
        UserError: Another number of labels, or one outside the classes.
    """
    if len(train_y) != rows:
        raise ShapeMismatch(f"{rows} training features but {len(train_y)} labels")
    if train_y.dim() == 2:
        if train_y.shape[1] != num_classes:
            raise ShapeMismatch(
                f"labels have {train_y.shape[1]} columns for {num_classes} classes"
            )
        return train_y.float().clamp_min(0)
    if int(train_y.min()) < 0 or int(train_y.max()) >= num_classes:
        raise ShapeMismatch(
            f"training labels must lie in 0..{num_classes - 1}, got "
            f"{int(train_y.min())}..{int(train_y.max())}"
        )
    return train_y.long()

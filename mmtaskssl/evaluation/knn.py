"""Weighted nearest-neighbour classification of features."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.errors import UserError

# Similarities held at once: 2**24 float32 are 64 MiB.
_PAIRS_AT_ONCE = 2**24


@torch.no_grad()
def weighted_knn(
    train_x: Tensor,
    train_y: Tensor,
    test_x: Tensor,
    num_classes: int,
    k: int = 20,
    temperature: float = 0.07,
    chunk: int | None = None,
) -> Tensor:
    """Scores each class by the votes of the ``k`` most similar training rows.

    A neighbour at cosine similarity ``s`` votes for its class with weight
    ``exp(s / temperature)`` (Wu et al., "Unsupervised Feature Learning via
    Non-Parametric Instance Discrimination", CVPR 2018, section 3.4; the protocol of
    MoCo's, BYOL's and DINO's kNN tables). The votes of a row are divided by their
    sum, which changes no ranking within the row, makes any temperature safe from
    overflow and lets scores be compared between rows, as average precision needs.

    Args:
        train_x: (M, D) features; normalised here.
        train_y: (M,) class indices, or (M, C) zero-one labels of a multi-label task;
            negative ones (left open) vote for nothing.
        test_x: (N, D) features on the same device; normalised here.
        num_classes: C.
        k: Neighbours; clipped to M.
        temperature: Above 0.
        chunk: Test rows at a time; None bounds the similarities to 64 MiB.

    Returns:
        (N, C) float32 scores, at least 0. Rows sum to 1 if each training row has
        one class.

    Raises:
        UserError: No training row, dims that differ, k or temperature out of range,
            a label outside the classes.
    """
    rows = len(train_x)
    if rows == 0:
        raise UserError("kNN needs at least one training feature")
    if train_x.shape[1:] != test_x.shape[1:] or train_x.dim() != 2:
        raise UserError(
            f"train features {tuple(train_x.shape)} and test features "
            f"{tuple(test_x.shape)} must both be (rows, dim) with the same dim"
        )
    if k < 1 or temperature <= 0:
        raise UserError(
            f"kNN needs k >= 1 and temperature > 0, got k={k}, "
            f"temperature={temperature}"
        )
    votes = _votes(train_y, rows, num_classes).to(train_x.device)
    train_x = F.normalize(train_x.float(), dim=1)
    test_x = F.normalize(test_x.float(), dim=1)
    k = min(k, rows)
    chunk = chunk or max(1, _PAIRS_AT_ONCE // rows)
    scores = train_x.new_empty(len(test_x), num_classes)
    for start in range(0, len(test_x), chunk):
        similarity = test_x[start : start + chunk] @ train_x.T
        nearest, index = similarity.topk(k, dim=1)
        weight = (nearest / temperature).softmax(dim=1)  # (n, k)
        part = scores[start : start + chunk]
        if votes.dim() == 1:
            part.zero_().scatter_add_(1, votes[index], weight)
        else:
            part.copy_(torch.einsum("nk,nkc->nc", weight, votes[index]))
    return scores


def _votes(train_y: Tensor, rows: int, num_classes: int) -> Tensor:
    if len(train_y) != rows:
        raise UserError(f"{rows} training features but {len(train_y)} labels")
    if train_y.dim() == 2:
        if train_y.shape[1] != num_classes:
            raise UserError(
                f"labels have {train_y.shape[1]} columns for {num_classes} classes"
            )
        return train_y.float().clamp_min(0)
    if int(train_y.min()) < 0 or int(train_y.max()) >= num_classes:
        raise UserError(
            f"training labels must lie in 0..{num_classes - 1}, got "
            f"{int(train_y.min())}..{int(train_y.max())}"
        )
    return train_y.long()

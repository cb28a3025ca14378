"""How well features explain labels, without fitting a classifier."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.families import ShapeMismatch

_STEPS = 100
_TOLERANCE = 1e-6
# Keeps labels that the features explain exactly, or not at all, finite.
_LEAST = 1e-10


def logme(x: Tensor, y: Tensor, num_classes: int) -> float:
    """Returns the logarithm of maximum evidence (LogME): the mean over the classes.

    Each class's zero-one labels ``y`` are explained by Bayesian linear regression on
    the features, without intercept: weights ``w ~ N(0, I / alpha)``, labels
    ``y ~ N(x w, I / beta)``. The logarithm of the evidence ``p(y | x, alpha, beta)``,
    with ``w`` integrated out, is maximised over alpha and beta and divided by N.
    Source: You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer
    Learning", ICML 2021 (arXiv 2102.11005), section 4 and algorithm 1; its fixed point
    is that of MacKay, "Bayesian Interpolation" (Neural Computation 4, 1992). Ours are
    the end (``alpha / beta`` changes by less than 1e-6 of itself, or 100 steps) and the
    bound of 1e-10 that keeps labels finite which are explained exactly or not at all.

    Features are taken as they are: multiplying all by one factor changes nothing,
    normalising each row does (the callers here do so).

    Args:
        x: (N, D) features.
        y: (N,) class indices, or (N, C) zero-one labels.
        num_classes: C.

    Returns:
        Higher is better. It is a log density, above or below 0 and without a unit: of
        use to compare features of the same rows and labels, not tasks.

    Raises:
        UserError: Fewer than two rows, or another number of labels.
    """
    if len(x) < 2 or len(x) != len(y):
        raise ShapeMismatch(
            f"LogME needs two labelled rows at least, got {len(x)} rows and {len(y)} "
            "labels"
        )
    x = x.double()
    target = (y if y.dim() == 2 else F.one_hot(y.long(), num_classes)).double()
    left, values, _ = torch.linalg.svd(x, full_matrices=False)
    sigma = values.square()
    # Squared coordinates of each class's labels, and what lies outside the features.
    inside = (left.T @ target).square().T  # (C, K)
    outside = (target.square().sum(dim=0) - inside.sum(dim=1)).clamp_min(0)
    evidence = [
        _evidence(sigma, *pair, len(x), x.shape[1])
        for pair in zip(inside, outside, strict=True)
    ]
    return sum(evidence) / len(evidence)


def _evidence(
    sigma: Tensor, inside: Tensor, outside: Tensor, rows: int, dim: int
) -> float:
    """Returns the maximum of the evidence of one class, per row."""
    alpha = beta = 1.0
    for _ in range(_STEPS):
        weight, error, gamma = _moments(sigma, inside, outside, alpha / beta)
        before = alpha / beta
        alpha = max(gamma, _LEAST) / max(weight, _LEAST)
        beta = max(rows - gamma, _LEAST) / max(error, _LEAST)
        if abs(alpha / beta - before) <= _TOLERANCE * before:
            break
    weight, error, _ = _moments(sigma, inside, outside, alpha / beta)
    determinant = float((alpha + beta * sigma).log().sum())
    determinant += (dim - len(sigma)) * math.log(alpha)
    log = dim * math.log(alpha) + rows * math.log(beta) - determinant
    return (
        0.5 * (log - rows * math.log(2 * math.pi) - beta * error - alpha * weight)
    ) / rows


def _moments(
    sigma: Tensor, inside: Tensor, outside: Tensor, ratio: float
) -> tuple[float, float, float]:
    """Returns the squared mean weight, the squared error, and the effective dims."""
    shrink = sigma + ratio
    weight = float((sigma * inside / shrink.square()).sum())
    error = float((inside * (ratio / shrink).square()).sum() + outside)
    return weight, error, float((sigma / shrink).sum())

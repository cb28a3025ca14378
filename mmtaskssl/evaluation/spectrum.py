"""How many directions a set of embeddings uses, and how far they spread."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.families import NotFinite, ShapeMismatch


@torch.no_grad()
def effective_rank(features: Tensor) -> float:
    """Returns the exponential of the entropy of the normalised singular values.

    Roy and Vetterli, "The effective rank: a measure of effective dimensionality",
    EUSIPCO 2007, definition 1; RankMe (Garrido et al., ICML 2023) reads the quality
    of an embedding off it. The features are taken as they are, neither centred nor
    normalised.

    Args:
        features: (N, D), of any floating type.

    Returns:
        Between 1 (all rows on one line: collapse) and min(N, D) (all directions used
        alike); 0 if all features are 0.

    Raises:
        UserError: Not a matrix with rows, or NaN or infinity in it.
    """
    # What the square costs is below 1e-7 of the largest one, which adds nothing to the
    # entropy of features that were computed in single precision.
    return spread_over(squared_singular_values(_checked(features).double()).sqrt())


@torch.no_grad()
def spectrum_decay(features: Tensor) -> float:
    """Returns the exponent of the power law by which the covariance's spectrum falls.

    The alpha of alpha-ReQ (Agrawal et al., NeurIPS 2022, section 3): the eigenvalues
    of the covariance go as rank ** -alpha; by that paper good representations are near
    1, larger is nearer to a collapse. The line is fitted to the logarithms of the
    larger half of the eigenvalues, since finite samples bend the smaller ones down,
    each weighted by 1 / rank: every octave of ranks counts alike. That is ours.

    Args:
        features: (N, D), of any floating type; centred here.

    Returns:
        The exponent; NaN if fewer than two eigenvalues are above zero in there.

    Raises:
        UserError: Not a matrix with rows, or NaN or infinity in it.
    """
    x = _checked(features).double()
    x = x - x.mean(0)
    values = squared_singular_values(x).flip(0)
    half = values[: max(2, min(len(x) - 1, x.shape[1]) // 2)]
    half = half[half > 1e-12 * values[0]]
    if len(half) < 2:
        return math.nan
    rank = torch.arange(1, len(half) + 1, dtype=torch.float64, device=half.device)
    weight = (1 / rank) / (1 / rank).sum()
    a, b = rank.log(), half.log()
    a, b = a - (weight * a).sum(), b - (weight * b).sum()
    return -((weight * a * b).sum() / (weight * a * a).sum()).item()


@torch.no_grad()
def embedding_std(features: Tensor) -> float:
    """Returns the mean over channels of the deviation of normalised embeddings.

    Chen and He, "Exploring Simple Siamese Representation Learning", CVPR 2021, figure
    2: each row is divided by its length, then each channel's standard deviation over
    the rows is taken. Rows spread over the whole sphere have 1 / sqrt(D), collapsed
    ones 0.

    Args:
        features: (N, D), of any floating type.

    Raises:
        UserError: Not a matrix with rows, or NaN or infinity in it.
    """
    x = F.normalize(_checked(features).double(), dim=1)
    return x.std(dim=0, correction=0).mean().item()


def squared_singular_values(x: Tensor) -> Tensor:
    """Returns those of a matrix (N, D), min(N, D) of them, ascending, none below 0."""
    # The smaller Gram matrix has them as its eigenvalues.
    gram = x.T @ x if len(x) > x.shape[1] else x @ x.T
    return torch.linalg.eigvalsh(gram).clamp_min(0)


def spread_over(values: Tensor) -> float:
    """Returns over how many of its entries a spectrum spreads: exp of its entropy.

    Args:
        values: (n,), not negative; normalised to a sum of 1 here.

    Returns:
        Between 1 and n; 0 if all are 0.
    """
    total = values.sum()
    if total == 0:
        return 0.0
    return torch.special.entr(values / total).sum().exp().item()


def _checked(features: Tensor) -> Tensor:
    if features.dim() != 2 or 0 in features.shape:
        raise ShapeMismatch(
            f"embeddings must be a matrix (rows, channels), not {tuple(features.shape)}"
        )
    if not bool(torch.isfinite(features).all()):
        raise NotFinite("embeddings hold NaN or infinity")
    return features

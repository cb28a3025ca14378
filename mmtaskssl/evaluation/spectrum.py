"""How many directions a set of embeddings uses, and how far they spread."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.errors import UserError


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
    x = _checked(features).double()
    # The smaller Gram matrix has the squared singular values as its eigenvalues. What
    # the square costs is below 1e-7 of the largest one, which adds nothing to the
    # entropy of features that were computed in single precision.
    gram = x.T @ x if len(x) > x.shape[1] else x @ x.T
    values = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt()
    total = values.sum()
    if total == 0:
        return 0.0
    return torch.special.entr(values / total).sum().exp().item()


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


def _checked(features: Tensor) -> Tensor:
    if features.dim() != 2 or 0 in features.shape:
        raise UserError(
            f"embeddings must be a matrix (rows, channels), not {tuple(features.shape)}"
        )
    if not bool(torch.isfinite(features).all()):
        raise UserError("embeddings hold NaN or infinity")
    return features

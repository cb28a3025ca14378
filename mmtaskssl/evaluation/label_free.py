"""How good features are, measured on images without labels."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.families import NotFinite, ShapeMismatch
from .spectrum import (
    effective_rank,
    spectrum_decay,
    spread_over,
    squared_singular_values,
)

#: What `label_free` measures, and which way is better; alpha-ReQ's best is near 1.
DIRECTIONS = {
    "rankme": "greater",
    "alpha_req": None,
    "uniformity": "less",
    "alignment": "less",
    "lidar": "greater",
}
# Of the mean variance within an image, added to every direction.
_SHRINKAGE = 0.01


def label_free(plain: Tensor, views: Tensor | None = None) -> dict[str, float]:
    """Measures all that can be measured without labels.

    Args:
        plain: (N, D) features of un-augmented images.
        views: (N, V, D) features of V random views of each; None: there are none.

    Returns:
        By the names of `DIRECTIONS`: ``rankme`` (`effective_rank`), ``alpha_req``
        (`spectrum_decay`), ``uniformity``, and of views ``alignment`` and ``lidar``.

    Raises:
        UserError: Fewer than two images or views, or NaN or infinity in the features.
    """
    found = {
        "rankme": effective_rank(plain),
        "alpha_req": spectrum_decay(plain),
        "uniformity": uniformity(plain),
    }
    if views is not None:
        found |= {"alignment": alignment(views), "lidar": lidar(views)}
    return found


@torch.no_grad()
def alignment(views: Tensor, power: float = 2.0) -> float:
    """Returns how far apart the views of an image are: smaller is better aligned.

    Wang and Isola, "Understanding Contrastive Representation Learning through
    Alignment and Uniformity on the Hypersphere", ICML 2020, equation 2: the mean
    distance of two views, on the unit sphere, to a power; over all pairs of views.

    Args:
        views: (N, V, D) features of V views of N images, normalised here.
        power: The paper's alpha.

    Returns:
        Between 0 and 2 ** power.

    Raises:
        UserError: Fewer than two views, or NaN or infinity in it.
    """
    x = F.normalize(_checked(views, 1, 2), dim=2)
    first, second = torch.triu_indices(x.shape[1], x.shape[1], 1, device=x.device)
    return (x[:, first] - x[:, second]).norm(dim=2).pow(power).mean().item()


@torch.no_grad()
def uniformity(features: Tensor, t: float = 2.0) -> float:
    """Returns how unevenly features lie on the sphere: smaller is more uniform.

    Wang and Isola, ICML 2020, equation 3: the logarithm of the mean of
    exp(-t distance**2) over all pairs of different images.

    Args:
        features: (N, D), normalised here; N (N - 1) / 2 distances are held at once.
        t: Of the Gaussian.

    Returns:
        At most 0, which is a collapse; of many directions about -2 t, as the paper's
        points that are spread evenly over the sphere.

    Raises:
        UserError: Fewer than two rows, or NaN or infinity in it.
    """
    x = F.normalize(_checked(features[:, None], 2, 1)[:, 0], dim=1)
    return F.pdist(x).square_().mul_(-t).exp_().mean().log().item()


@torch.no_grad()
def lidar(views: Tensor, shrinkage: float = _SHRINKAGE) -> float:
    """Returns the effective rank of what tells images apart, against their views.

    After LiDAR (Thilak et al., "LiDAR: Sensing Linear Probing Performance in Joint
    Embedding SSL Architectures", ICLR 2024, section 4): of linear discriminant
    analysis with every image as a class, the exponential of the entropy of the
    normalised eigenvalues of ``within^-1/2 between within^-1/2``. Directions in which
    the views of one image differ as much as images do count for nothing, unlike in
    RankMe. Ours: what is added to the covariance within is relative to its mean
    variance, so that the scale of the features has no effect, and there is no second
    constant within the logarithm.

    Args:
        views: (N, V, D) features of V views of N images. N (V - 1) well above D asks
            for no help of ``shrinkage``.
        shrinkage: Added to each direction, as a share of the mean variance within.

    Returns:
        Between 1 and min(N - 1, D); 0 if all images have the same features.

    Raises:
        UserError: Fewer than two images or views, or NaN or infinity in it.
    """
    x = _checked(views, 2, 2)
    centre = x.mean(1)  # (N, D)
    inner = (x - centre[:, None]).flatten(0, 1)
    within = inner.T @ inner / len(inner)
    mean = within.diagonal().mean()
    if mean == 0:  # one point an image: nothing to compare with
        return spread_over(squared_singular_values(centre - centre.mean(0)))
    within.diagonal().add_(shrinkage * mean)
    root = torch.linalg.cholesky(within)
    between = (centre - centre.mean(0)) / len(centre) ** 0.5
    # Any root of the inverse gives the same eigenvalues.
    white = torch.linalg.solve_triangular(root, between.T, upper=False)
    return spread_over(squared_singular_values(white))


def _checked(x: Tensor, images: int, views: int) -> Tensor:
    """Returns (N, V, D) in double precision; the numbers are the fewest of each."""
    if x.dim() != 3 or len(x) < images or x.shape[1] < views or not x.shape[2]:
        raise ShapeMismatch(
            f"features of shape {tuple(x.shape)}, where (images, views, channels) are "
            f"needed with at least {images} image(s) and {views} view(s)"
        )
    if not bool(torch.isfinite(x).all()):
        raise NotFinite("features hold NaN or infinity")
    return x.double()

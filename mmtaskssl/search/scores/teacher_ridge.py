"""How much of a teacher's features a linear map finds in a sub-net's."""

import torch
from torch import Tensor

from ...registry import SEARCH_SCORES
from .base import Reference, Score, Seen, named, other

# Penalties, as shares of the mean variance of a direction times the images.
_PENALTIES = [10.0**power for power in range(-4, 3)]


@SEARCH_SCORES.register_module()
class TeacherRidge(Score):
    """Share of another network's variance that ridge regression explains.

    What a linear probe is for labels, with the other's features in their place: each
    image is left out in turn (exactly, by the hat matrix), and the penalty is the best
    of seven. The head of a distillation is no part of it.

    Args:
        against: "largest" or "teacher".
    """

    def __init__(self, against: str = "teacher") -> None:
        self.against, self.name = against, named("ridge", against)

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns at most 1; 0 is what the mean explains."""
        return explained(seen.plain, other(reference, self, self.against))


def explained(x: Tensor, y: Tensor) -> float:
    """Returns the share of y's variance that x explains of images left out.

    Args:
        x: (N, D).
        y: (N, T).
    """
    x, y = x.double(), y.double()
    count = len(x)
    x, y = x - x.mean(0), y - y.mean(0)
    left, values, _ = torch.linalg.svd(x, full_matrices=False)
    squares, seen = values.square(), left.T @ y
    scale = squares.sum() / x.shape[1]
    found = []
    for penalty in _PENALTIES:
        kept = squares / (squares + penalty * scale + torch.finfo(x.dtype).tiny)
        # Of the mean, which is estimated too, each image has a part of 1 / N.
        hat = (left.square() * kept).sum(1) + 1 / count
        residual = (y - left @ (kept[:, None] * seen)) / (1 - hat).clamp(1e-9)[:, None]
        found.append(residual.square().sum())
    alone = y.square().sum() / (1 - 1 / count) ** 2
    return float(1 - min(found) / alone)

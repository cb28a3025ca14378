"""How alike two networks place images in relation to each other, linearly."""

import torch

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, named, other


@SEARCH_SCORES.register_module()
class LinearCKA(Score):
    """Centred kernel alignment (Kornblith et al., ICML 2019, equation 4), linear.

    Args:
        against: "largest" or "teacher".
    """

    def __init__(self, against: str = "largest") -> None:
        self.against, self.name = against, named("cka", against)

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns 0 to 1; NaN where one network gives all images one feature."""
        theirs = other(reference, self, self.against).double()
        x, y = (f - f.mean(0) for f in (seen.plain.double(), theirs))
        # Of N images and D channels: N x N, or the smaller D x D'.
        if len(x) <= max(x.shape[1], y.shape[1]):
            a, b = x @ x.T, y @ y.T
            return ((a * b).sum() / (a.norm() * b.norm())).item()
        cross = (x.T @ y).square().sum()
        return (cross / torch.mul((x.T @ x).norm(), (y.T @ y).norm())).item()

"""Whether two networks find the same images alike."""

import torch
from torch import Tensor

from ...evaluation.neighbours import nearest
from ...registry import SEARCH_SCORES
from ...utils import checks
from .base import Reference, Score, Seen, named, other


@SEARCH_SCORES.register_module()
class NeighbourOverlap(Score):
    """Share of each image's nearest others that two networks have in common.

    The mutual nearest neighbours of Huh et al., "The Platonic Representation
    Hypothesis", ICML 2024. Features are centred first (ours).

    Args:
        against: "largest" or "teacher".
        k: Neighbours; at most half of the other images, of which all are the nearest
            ones of any network.
    """

    def __init__(self, against: str = "teacher", k: int = 10) -> None:
        checks.whole("k", k)
        self.against, self.name, self.k = against, named("neighbours", against), k

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns 0 to 1."""
        k = min(self.k, max(1, (len(seen.plain) - 1) // 2))
        ours = _neighbours(seen.plain, k)
        theirs = _neighbours(other(reference, self, self.against), k)
        same = ours[:, :, None] == theirs[:, None, :]
        return same.any(2).double().mean().item()


def _neighbours(features: Tensor, k: int) -> Tensor:
    """Returns (N, k) numbers of the nearest other rows."""
    x = features - features.mean(0)
    numbers = torch.arange(len(x), device=x.device)
    found = nearest(x, x, k + 1, numbers).row
    # Itself is among them, unless there are copies of it: then the last one goes.
    keep = found != numbers[:, None]
    keep[:, -1] &= ~keep.all(1)
    return found[keep].view(len(x), k)

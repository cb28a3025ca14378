"""How alike two networks see what images resemble which."""

import torch.nn.functional as F
from torch import Tensor

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, centred, named, other


@SEARCH_SCORES.register_module()
class AffinityLikeness(Score):
    """Mean cosine of the rows of two affinities between images.

    DATA's dense metric with images in place of positions. Features are centred first,
    or all cosines are near 1 (our choice).

    Args:
        against: "largest" or "teacher".
    """

    def __init__(self, against: str = "teacher") -> None:
        self.against, self.name = against, named("affinity", against)

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns -1 to 1."""
        theirs = other(reference, self, self.against)
        return (_rows(seen.plain) * _rows(theirs)).sum(1).mean().item()


def _rows(features: Tensor) -> Tensor:
    x = centred(features)
    return F.normalize(x @ x.T, dim=1)

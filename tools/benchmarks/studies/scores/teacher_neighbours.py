"""How well a sub-net's neighbours tell what a teacher makes of an image."""

import torch.nn.functional as F

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, centred, named, other
from mmtaskssl.utils import checks


@SEARCH_SCORES.register_module()
class TeacherNeighbours(Score):
    """Cosine of an image's feature and of its neighbours' mean, by another network.

    What nearest neighbours' votes are for labels, with the other's features in their
    place. The neighbours are a sub-net's, by centred features; they vote with weights
    of exp(cosine / temperature).

    Args:
        against: "largest" or "teacher".
        k: Neighbours; fewer where there are fewer images.
        temperature: Of the votes.
    """

    def __init__(
        self, against: str = "teacher", k: int = 20, temperature: float = 0.07
    ) -> None:
        checks.whole("k", k)
        checks.finite("temperature", temperature, above=0)
        self.against, self.name = against, named("votes", against)
        self.k, self.temperature = k, temperature

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns -1 to 1."""
        ours = centred(seen.plain)
        theirs = centred(other(reference, self, self.against))
        cosines = (ours @ ours.T).fill_diagonal_(-2)
        best = cosines.topk(min(self.k, len(ours) - 1), dim=1)
        weights = (best.values / self.temperature).softmax(1)
        voted = (weights[:, :, None] * theirs[best.indices]).sum(1)
        return F.cosine_similarity(voted, theirs, dim=1).mean().item()

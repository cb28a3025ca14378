"""Whether a view of an image is found among those of others."""

import torch
import torch.nn.functional as F

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, required


@SEARCH_SCORES.register_module()
class ViewConsistency(Score):
    """Share of images whose second view is, of all second views, nearest to the first.

    By cosine; the task of instance discrimination, as an accuracy. Ours.
    """

    name = "views"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns the share, 0 to 1; the first of equally near ones counts."""
        views = F.normalize(required(seen.views, self, "views of the images"), dim=2)
        found = (views[:, 0] @ views[:, 1].T).argmax(dim=1)
        own = torch.arange(len(found), device=found.device)
        return (found == own).double().mean().item()

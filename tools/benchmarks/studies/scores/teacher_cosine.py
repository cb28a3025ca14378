"""How well a distilled sub-net imitates its teacher on the target's images."""

import torch.nn.functional as F

from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, required


@SEARCH_SCORES.register_module()
class TeacherCosine(Score):
    """Mean cosine between the head's output and the teacher's centred feature.

    What distillation trains for, on other images: needs a sub-net of a distilled
    supernet, and the features of the very teacher.
    """

    name = "cosine-teacher"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns -1 to 1."""
        ours = required(seen.embedded, self, "what the head makes of the features")
        theirs = required(reference.teacher, self, "a teacher's features of the images")
        return F.cosine_similarity(ours.double(), theirs.double(), dim=1).mean().item()

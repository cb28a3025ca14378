"""How evenly features lie on the sphere."""

from mmtaskssl.evaluation.label_free import uniformity
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen


@SEARCH_SCORES.register_module()
class Uniformity(Score):
    """Minus the uniformity loss of Wang and Isola, ICML 2020, see `uniformity`."""

    name = "uniformity"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns minus the loss, at least 0."""
        return -uniformity(seen.plain)

"""How near the views of an image are."""

from mmtaskssl.evaluation.label_free import alignment
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, required


@SEARCH_SCORES.register_module()
class Alignment(Score):
    """Minus the alignment loss of Wang and Isola, ICML 2020, see `alignment`."""

    name = "alignment"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns minus the loss, between -4 and 0."""
        return -alignment(required(seen.views, self, "views of the images"))

"""How near the features' spectrum is to a decay by one over the rank (alpha-ReQ)."""

from mmtaskssl.evaluation.spectrum import spectrum_decay
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen


@SEARCH_SCORES.register_module()
class SpectrumDecay(Score):
    """alpha-ReQ (Agrawal et al., NeurIPS 2022): minus the distance of alpha to 1."""

    name = "alpha-req"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns minus the distance, at most 0; see `spectrum_decay`."""
        return -abs(spectrum_decay(seen.plain) - 1)

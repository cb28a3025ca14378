"""How many directions the features use (RankMe)."""

from ...evaluation.spectrum import effective_rank
from ...registry import SEARCH_SCORES
from .base import Reference, Score, Seen


@SEARCH_SCORES.register_module()
class EffectiveRank(Score):
    """RankMe (Garrido et al., ICML 2023, arXiv 2210.02885), see `effective_rank`."""

    name = "rank"

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns the effective rank, between 1 and min(N, D)."""
        return effective_rank(seen.plain)

"""Which of the scored sub-nets wins."""

from collections.abc import Callable, Sequence

import torch

from .probes import Evidence


def choose(
    evidence: Evidence,
    places: Sequence[int],
    tie_breaker: Callable[[int], float],
    on_tie: str = "max",
) -> int:
    """Returns the place of the winner.

    Args:
        evidence: Of all candidates; MAX is the first of them.
        places: Candidates that are to be compared; 0 is one of them.
        tie_breaker: Tells paths of equal score apart, higher is better.
        on_tie: One of `names.TIES`.
    """
    scores = evidence.scores[list(places)]
    top = [places[i] for i in torch.nonzero(scores == scores.max()).flatten().tolist()]
    if 0 in top:
        return 0
    best = top[0] if len(top) == 1 else max(top, key=tie_breaker)
    if on_tie == "one-se":
        lead = float(evidence.scores[best] - evidence.scores[0])
        return best if lead > evidence.error(best, 0) else 0
    return 0 if on_tie == "max" and evidence.tied(best, 0) else best

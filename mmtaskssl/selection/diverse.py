"""Similar to the target, and unlike each other: maximal marginal relevance."""

import heapq
from collections.abc import Callable

import numpy as np


def diverse(
    features: np.ndarray,
    scores: np.ndarray,
    weight: float,
    count: int,
    admit: Callable[[int], bool],
) -> list[int]:
    """Chooses one after another what is similar to the target and unlike the chosen.

    The next one has the largest ``weight * score - (1 - weight) * closest``, where
    ``closest`` is its largest similarity to those chosen before (Carbonell and
    Goldstein, "The Use of MMR, Diversity-Based Reranking", SIGIR 1998). The first one
    has the largest score. Ties: who comes first.

    A value only falls while others are chosen. So the best of the values that were
    once computed is computed anew, and taken where it stays the best: few of all pairs
    are compared. Similarities are exact, see ``search.py``.

    Args:
        features: (n, D) float32 holding float16 values, in the policy's order.
        scores: (n,) float64 similarities to the target.
        weight: 1: similarity alone; 0: diversity alone.
        count: To choose, at most.
        admit: Whether a place may be taken; called once a place, of those that are
            the best, and counted as taken where it says so.

    Returns:
        Places in order of choice.
    """
    chosen: list[int] = []
    taken = np.empty((count, features.shape[1]), np.float32)
    # Value, place, largest similarity so far, and to how many of the chosen.
    heap = [(-score, place, -1.0, 0) for place, score in enumerate(scores.tolist())]
    heapq.heapify(heap)
    while heap and len(chosen) < count:
        value, place, closest, seen = heapq.heappop(heap)
        if chosen and seen < len(chosen):
            new = taken[seen : len(chosen)].astype(np.float64)
            closest = max(closest, float((new @ features[place]).max()))
            value = (1 - weight) * closest - weight * float(scores[place])
            heapq.heappush(heap, (value, place, closest, len(chosen)))
            continue
        if not admit(place):
            continue
        taken[len(chosen)] = features[place]
        chosen.append(place)
        if len(chosen) == 1:  # from here on others count: the keys begin anew
            heap = [
                (-weight * float(scores[p]) - (1 - weight), p, -1.0, 0)
                for _, p, _, _ in heap
            ]
            heapq.heapify(heap)
    return chosen

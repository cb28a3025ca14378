"""SimCore: rounds of nearest neighbours until they get worse."""

import numpy as np

from ..task import Selection, SelectionTask

# Kim et al., "Coreset Sampling from Open-Set for Fine-Grained Self-Supervised
# Learning", CVPR 2023: the threshold, and the round that it is relative to.
_STOP = 0.95
_REFERENCE_ROUND = 20


def simcore(task: SelectionTask) -> Selection:
    """Maximises facility location round by round; may stop before the budget.

    Each round takes the nearest image not yet taken of every query, which is the best
    set of that size: it maximises the sum over queries of the similarity to the set.
    It stops when this sum falls below 0.95 of that of round 20. The paper first
    replaces the target by 100 k-means centroids; few-shot targets need no such thing.
    """
    k = task.first_k
    while True:
        found = _rounds(task, k)
        if found is not None:
            return found
        k = min(2 * k, task.reachable)


def _rounds(task: SelectionTask, k: int) -> Selection | None:
    """Plays the rounds on ``k`` hits a query; None if some query runs out of hits."""
    hits = task.hits(k)
    num_queries, k = hits.rows.shape
    everyone = np.arange(num_queries)
    taken = np.zeros(len(task.pool), dtype=bool)
    place = np.zeros(num_queries, dtype=np.int64)
    chosen: list[tuple[np.ndarray, ...]] = []
    count, rounds, reference, notes = 0, 0, None, ()
    while count < task.budget:
        while True:
            blocked = place < k
            blocked[blocked] = taken[hits.rows[everyone, place % k]][blocked]
            if not blocked.any():
                break
            place[blocked] += 1
        if (place >= k).any():
            if k < task.reachable:
                return None
            break  # cannot be: then every image is taken
        rows, scores = hits.rows[everyone, place], hits.scores[everyone, place]
        rounds += 1
        utility = scores.sum()
        if rounds == _REFERENCE_ROUND:
            reference = utility
        if reference is not None and utility < _STOP * reference:
            notes = (
                f"simcore stopped after {rounds - 1} rounds with {count} of "
                f"{task.budget} images: the next ones are too unlike the target",
            )
            break
        order = np.lexsort((everyone, rows, -scores))
        _, first = np.unique(rows[order], return_index=True)
        order = order[np.sort(first)][: task.budget - count]
        taken[rows[order]] = True
        count += len(order)
        chosen.append((rows[order], scores[order], everyone[order], place[order]))
    columns = [np.concatenate(column) for column in zip(*chosen, strict=True)]
    return Selection(*columns, notes)

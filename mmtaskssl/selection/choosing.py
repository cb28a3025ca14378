"""A policy within limits: all on the hits of one search, which grow where they must."""

import numpy as np

from ..utils.families import NoImages
from .admission import Admission, Group, share_of
from .policies import POLICIES
from .policies.class_balanced import check_labels
from .task import Selection, SelectionTask

# Candidates a wanted image that diversity has a choice among.
_MULTIPLE = 4
# Policies that take from lists of hits, best first; that serve the queries in turn.
_BY_HITS = ("round_robin", "class_balanced", "simcore")
#: Policies whose order is one of similarity.
RANKING = (*_BY_HITS, "score", "whitened")
_IN_TURN = ("round_robin", "simcore")


def choose(
    task: SelectionTask, policy: str, admission: Admission | None = None
) -> Selection:
    """Runs a policy, and keeps to limits.

    What limits refuse is replaced by what comes next in the policy's order: the policy
    is asked for more images until enough of them keep to the limits, or it has no more.

    Args:
        task: The problem.
        policy: A name in ``POLICIES``.
        admission: The limits; None: there are none.
    """
    if admission is None:
        return POLICIES[policy](task)
    wanted = min(task.budget, admission.most)
    diverse = admission.limits.mmr_lambda is not None
    multiple = _MULTIPLE if diverse else None
    count = task.reachable if policy == "random_by_source" else wanted
    while True:
        found = _asked(task, policy, min(count, task.reachable))
        good = admission.admissible(found)
        last = (
            count >= task.reachable
            or len(found.rows) < count
            or _below(task, policy, found, admission.limits.min_similarity)
        )
        share, fed = _shares(task, policy, found, good, wanted)
        enough = fed and len(good) >= (multiple or 1) * wanted
        if enough or last:
            chosen = admission.choose(
                *(found, wanted, share, multiple),
                final=last,
                even=policy in _IN_TURN,
            )
            if last or len(chosen.rows) >= wanted:
                break
            multiple = 2 * multiple if multiple else None
        count *= 2
    if not len(chosen.rows):
        raise NoImages("no pool image keeps to the limits of the selection: loosen one")
    return chosen


def first_images(task: SelectionTask, policy: str, count: int) -> Selection:
    """Returns the first images of a policy's order, without limits.

    Args:
        task: The problem.
        policy: One that ranks by similarity, see `RANKING`.
        count: Images.
    """
    return _asked(task, policy, count)


def _asked(task: SelectionTask, policy: str, count: int) -> Selection:
    """Runs a policy for another budget."""
    if policy == "class_balanced":  # which takes from this order, by shares
        check_labels(task)
        policy = "round_robin"
    budget, task.budget = task.budget, count
    try:
        return POLICIES[policy](task)
    finally:
        task.budget = budget


def _below(
    task: SelectionTask, policy: str, found: Selection, floor: float | None
) -> bool:
    """Whether whatever else a policy might find is not similar enough."""
    if floor is None or not len(found.rows):
        return False
    if policy == "score":
        return bool(found.scores[-1] < floor)
    hits = task.known_hits()
    if policy not in _BY_HITS or hits is None:
        return False
    # What was not found stands behind, in every query's list, what it was served with.
    served: np.ndarray = np.zeros(len(task.queries), np.int64)
    np.maximum.at(served, found.queries, found.query_ranks)
    return bool(hits.scores[np.arange(len(served)), served].max() < floor)


def _shares(
    task: SelectionTask, policy: str, found: Selection, good: np.ndarray, wanted: int
) -> tuple[Group | None, bool]:
    """Returns the shares of a policy's own groups, and whether each can fill its."""
    if policy == "class_balanced":
        assert task.labels is not None
        names, labels = np.unique(task.labels, return_inverse=True)
        groups, total = labels[found.queries], len(names)
    elif policy == "random_by_source":
        assert task.sources is not None
        groups = task.sources[found.rows]
        total = int(task.sources.max()) + 1
    else:
        return None, True
    supply = np.bincount(groups[good], minlength=total)
    fed = int(supply.min()) >= -(-wanted // total)
    return share_of(groups, good, wanted, total), fed

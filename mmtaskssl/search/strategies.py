"""Which sub-nets of a band are scored: functions of the seed and of earlier scores."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..subnets import SearchSpace, Subnet
from ..utils.families import BadBudget
from ..utils.spaced import spaced

# A space of more is sampled, not listed.
_LISTED = 200_000
# Tries to breed a new sub-net inside a narrow band, before one is drawn instead.
_TRIES = 50

Inside = Callable[[Subnet], bool]
"""Whether a sub-net's cost lies in the band."""
Score = Callable[[Sequence[Subnet]], Mapping[Subnet, float]]
"""Scores sub-nets."""


def members(space: SearchSpace, seed: int | None = None) -> Iterator[Subnet]:
    """Yields the members of a space, in its order or a random one.

    Args:
        space: One of more than 200,000 members is represented by as many random ones.
        seed: Of the order; None: the space's own.
    """
    count = len(space)
    indices: Sequence[int] = range(count)
    if seed is not None or count > _LISTED:
        rng = random.Random(seed or 0)
        indices = rng.sample(indices, min(count, _LISTED))
        if seed is None:
            indices.sort()
    return (space[index] for index in indices)


class NoCandidate(BadBudget):
    """The band is empty."""


def random_strategy(
    space: SearchSpace, inside: Inside, score: Score, count: int, seed: int
) -> None:
    """Scores ``count`` random members of the band; all, if there are fewer."""
    score(draw(space, inside, count, seed))


def draw(space: SearchSpace, inside: Inside, count: int, seed: int) -> list[Subnet]:
    """Draws members of the band, each with the same chance and once.

    Raises:
        NoCandidate: There is none.
    """
    found = []
    for subnet in members(space, seed):
        if len(found) == count:
            break
        if inside(subnet):
            found.append(subnet)
    if not found:
        raise NoCandidate("no member of the space lies in the band")
    return found


def grid_strategy(
    space: SearchSpace, inside: Inside, score: Score, count: int | None, seed: int
) -> None:
    """Scores all members of the band, or ``count`` at even distances in their order.

    The order is the space's: depths of the last stages vary first, the stem last.

    Raises:
        NoCandidate: There is none.
    """
    found = [subnet for subnet in members(space) if inside(subnet)]
    if not found:
        raise NoCandidate("no member of the space lies in the band")
    score(found if count is None else spaced(found, count))


def evolution_strategy(
    space: SearchSpace, inside: Inside, score: Score, count: int, seed: int
) -> None:
    """Breeds from the best so far until ``count`` members of the band are scored.

    As in SPOS (Guo et al., ECCV 2020, algorithm 1): half of a generation are mutations
    of a parent, half are crossovers of two. Ours: a generation is a fifth of
    ``count``, the parents are as many as half of one, and a child outside of the band
    or scored before is bred anew. The same seed and scores give the same search, so one
    that is resumed goes the way it went.

    Raises:
        NoCandidate: The band is empty.
    """
    size = max(2, count // 5)
    rng = random.Random(seed)
    first = draw(space, inside, min(size, count), seed)
    scores = dict(score(first))
    reserve = (s for s in members(space, seed + 1) if inside(s))
    while len(scores) < min(count, len(space)):
        # By name where scores are equal, so that nothing depends on the order.
        ranked = sorted(scores, key=lambda s: (-scores[s], s.name))
        parents = ranked[: max(2, size // 2)]
        children: list[Subnet] = []
        for place in range(min(size, count - len(scores))):
            known = {*scores, *children}
            child = _breed(space, inside, parents, known, rng, place % 2 == 0)
            if child is None:
                child = next((s for s in reserve if s not in known), None)
            if child is None:
                break
            children.append(child)
        if not children:
            return
        scores |= score(children)


def _breed(
    space: SearchSpace,
    inside: Inside,
    parents: Sequence[Subnet],
    known: set[Subnet],
    rng: random.Random,
    mutate: bool,
) -> Subnet | None:
    for _ in range(_TRIES):
        if mutate or len(parents) < 2:
            child = space.mutate(rng.choice(parents), rng)
        else:
            child = space.crossover(*rng.sample(parents, 2), rng)
        if child not in known and inside(child):
            return child
    return None


STRATEGIES = {
    "random": random_strategy,
    "evolution": evolution_strategy,
    "grid": grid_strategy,
}

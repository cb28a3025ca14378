"""How many images are enough: the K-th image's similarity against random images'."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..utils.errors import option
from ..utils.families import BadBudget
from .task import Selection, SelectionTask

#: Where a curve begins: of fewer images nothing can be told.
FIRST = 125
#: Of the images of a place of the curve, the last fifth tells how alike they are.
LAST = 0.2
# Places of a curve from a number of images to twice as many.
_STEPS = 8
# Features that tell less do not tell the target's images from the pool's.
_LEAST = 0.01


@dataclasses.dataclass(frozen=True)
class Enough:
    """A suggested number of images, and what it is read from.

    Attributes:
        curve: Numbers of images K and what the K-th is like: the median similarity, to
            the image of the target that it was chosen for, of the last fifth of K.
        random: Median similarity of a random image of the pool to the nearest image of
            the target.
        own: Median similarity of an image of the target to its nearest other one; NaN
            of a single image.
        images: Suggested: the last place where images are at least half-way from a
            random image's similarity to the first ones' (or, where the target's own
            are alike but less near than these, to theirs); None: the features do not
            tell.
        ended: Whether the curve goes on behind it, so that more are not worth while.
    """

    curve: Sequence[tuple[int, float]]
    random: float
    own: float
    images: int | None
    ended: bool

    @property
    def least(self) -> float:
        """The similarity half-way, from which on images are worth while."""
        return half_way(self.curve[0][1], self.random, self.own)

    @property
    def reason(self) -> str:
        """Says what is suggested, and why."""
        if self.images is None:
            return (
                "how many images are enough cannot be told: the first ones are as "
                f"similar to the target ({self.curve[0][1]:.3f}) as random images of "
                f"the pool are ({self.random:.3f})"
            )
        at = dict(self.curve)[self.images]
        first = self.curve[0][1]
        tells = own_tells(first, self.random, self.own)
        own = f", the target's own {self.own:.3f}" if tells else ""
        known = f"(random images {self.random:.3f}, the first ones {first:.3f}{own})"
        if not self.ended:
            return (
                f"at least {self.images:,} images are worth while: those around it are "
                f"{at:.3f} similar to the target, still more than half-way from random "
                f"images to what is alike {known}"
            )
        return (
            f"about {self.images:,} images are enough: those around it are {at:.3f} "
            "similar to the target, and later ones are nearer to random images than to "
            f"what is alike {known}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return {
            "images": self.images,
            "at_least": self.images is not None and not self.ended,
            "reason": self.reason,
            "random": round(self.random, 6),
            "own": None if math.isnan(self.own) else round(self.own, 6),
            "curve": [[k, round(value, 6)] for k, value in self.curve],
        }


def half_way(first: float, random: float, own: float) -> float:
    """Returns the least similarity that is nearer to what is alike than to random.

    Args:
        first: Of the first images.
        random: Of random images of the pool.
        own: Of the target's images to each other; NaN: unknown.
    """
    alike = min(first, own) if own_tells(first, random, own) else first
    return random + (alike - random) / 2


def own_tells(first: float, random: float, own: float) -> bool:
    """Whether the target's images are alike; see `half_way`.

    Where each shows another thing, they are hardly nearer to each other than random
    images are, and say nothing of what is like one of them.
    """
    return own - random >= (first - random) / 2


def own_similarity(queries: np.ndarray) -> float:
    """Returns the median similarity of queries to their nearest other; NaN of one.

    Args:
        queries: (Q, D) float32.
    """
    if len(queries) < 2:
        return float("nan")
    alike = queries @ queries.T
    np.fill_diagonal(alike, -1)
    return float(np.median(alike.max(axis=1)))


def places(first: int, last: int) -> list[int]:
    """Returns the numbers of images of a curve, evenly spaced as logarithms."""
    steps = max(0, math.ceil(math.log2(max(1.0, last / first)) * _STEPS))
    found = [round(first * 2 ** (step / _STEPS)) for step in range(steps)]
    return sorted({k for k in found if k < last} | {last})


def curve_of(scores: np.ndarray) -> list[tuple[int, float]]:
    """Returns the curve of similarities in order of choice, (n,)."""
    first = min(FIRST, len(scores))
    return [
        (k, float(np.median(scores[int((1 - LAST) * k) : k])))
        for k in places(first, len(scores))
    ]


def judge(
    scores: np.ndarray, task: SelectionTask, anywhere: np.ndarray, whole: bool
) -> Enough:
    """Suggests a number of images.

    Args:
        scores: (n,) similarities in order of choice.
        task: The problem.
        anywhere: (m,) similarities of random images of the pool.
        whole: Whether no further images could be chosen.
    """
    curve = curve_of(scores)
    found = Enough(
        *(curve, float(np.median(anywhere)), own_similarity(some(task.queries))),
        *(None, False),
    )
    if not curve[0][1] - found.random > _LEAST:
        return found
    worth = [k for k, value in curve if value >= found.least]
    ended = whole or worth[-1] < curve[-1][0]
    return dataclasses.replace(found, images=worth[-1], ended=ended)


def some(queries: np.ndarray, most: int = 2000) -> np.ndarray:
    """Returns evenly spaced queries, at most so many."""
    if len(queries) <= most:
        return queries
    return queries[np.linspace(0, len(queries) - 1, most).astype(int)]


def suggest(
    task: SelectionTask,
    find: Callable[[int], Selection],
    anywhere: np.ndarray,
) -> Enough:
    """Looks for the place where more images are not worth while.

    Args:
        task: The problem.
        find: Returns the first so many images of the policy.
        anywhere: See `judge`.

    Raises:
        UserError: The features do not tell.
    """
    count = min(8 * FIRST, task.reachable)
    while True:
        scores = find(count).scores
        whole = count >= task.reachable or len(scores) < count
        found = judge(scores, task, anywhere, whole)
        if found.images is None:
            raise BadBudget(f"{found.reason}: name a number with {option('budget')}")
        if found.ended:
            return found
        count = min(2 * count, task.reachable)

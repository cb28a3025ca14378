"""Which arm to take, from scores of the same images."""

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

#: Rungs of a race: this part of a training, while more arms than that are left.
RUNGS = (4, 2)


def lead(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Returns the mean lead over another arm, and its standard error over images.

    Args:
        ours: Scores of each image.
        theirs: Of the same images.
    """
    gaps = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    error = float(gaps.std(ddof=1)) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0
    return float(gaps.mean()), error


def choose(scores: Mapping[str, Sequence[float]], slack: float = 0.0) -> str:
    """Returns the first arm that the best one does not beat by a standard error.

    The one-standard-error rule (Breiman et al., "Classification and Regression Trees",
    1984, section 3.4.3), of differences paired by the image: a target has few images,
    and most of them are as easy or as hard for every arm.

    Args:
        scores: Of each image by arm; arms in the order in which they are preferred
            where nothing tells them apart, controls first.
        slack: A lead of so much says nothing either, however sure it is.
    """
    best = max(scores, key=lambda arm: statistics.fmean(scores[arm]))
    for arm, own in scores.items():
        ahead, error = lead(scores[best], own)
        if arm == best or ahead <= max(error, slack):
            return arm
    raise AssertionError("the best arm is among them")


def keep(scores: Mapping[str, Sequence[float]]) -> list[str]:
    """Returns the better half of the arms, in their order: a rung of halving.

    Successive halving (Jamieson and Talwalkar, AISTATS 2016, arXiv 1502.07943).

    Args:
        scores: Of each image by arm.
    """
    means = {arm: statistics.fmean(values) for arm, values in scores.items()}
    ranked = sorted(means, key=lambda arm: -means[arm])
    kept = {*ranked[: max(1, (len(ranked) + 1) // 2)]}
    return [arm for arm in scores if arm in kept]

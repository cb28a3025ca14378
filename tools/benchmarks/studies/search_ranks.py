"""How well scores rank sub-nets, beside what counting blocks can do."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from mmtaskssl.evaluation import rank_statistics as ranks

#: What makes a score the best one: its mean, or its worst, correlation on targets.
RULES: Mapping[str, Callable[[Sequence[float]], np.floating]] = {
    "mean": np.mean,
    "worst": np.min,
}
# Of the ridge: its penalty, as a multiple of the number of scores.
_RIDGE = 1.0


def design(sizes: Sequence[Sequence[float]]) -> np.ndarray:
    """Returns log-MACs, total depth and last width (nets, 3), the rivals of scores."""
    found = np.asarray(sizes, dtype=float)
    return np.column_stack([np.log(found[:, 0]), found[:, 1:]])


def size_fit(truth: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """Returns what a linear fit on the rivals says of each net, fitted without it.

    Args:
        truth: (nets,) accuracies.
        rivals: (nets, R).
    """
    x = np.column_stack([np.ones(len(rivals)), rivals - rivals.mean(0)])
    fitted = np.empty(len(truth))
    for place in range(len(truth)):
        rest = np.arange(len(truth)) != place
        weights, *_ = np.linalg.lstsq(x[rest], truth[rest], rcond=None)
        fitted[place] = x[place] @ weights
    return fitted


def partial(score: np.ndarray, truth: np.ndarray, rivals: np.ndarray) -> float:
    """Returns the partial Spearman correlation given the rivals; of none defined, 0."""
    if not np.isfinite(score).all():
        return 0.0
    value = ranks.partial_spearman(score, truth, rivals)
    return 0.0 if np.isnan(value) else value


def cells(
    score: np.ndarray,
    truth: np.ndarray,
    rivals: np.ndarray,
    bands: Sequence[str],
    resamples: int,
) -> list[str]:
    """Returns a score's row: Spearman, Kendall, Spearman in bands, and partial.

    Args:
        score: (nets,).
        truth: (nets,).
        rivals: (nets, R).
        bands: (nets,) the band of each, ``-`` of none.
        resamples: Of each interval; 0: none.
    """
    if not np.isfinite(score).all():
        return ["-"] * 4
    inside = [place for place, band in enumerate(bands) if band != "-"]
    labels = [bands[place] for place in inside]

    def cell(statistic, *arrays) -> str:
        value = statistic(*arrays)
        if np.isnan(value):
            return "-"
        if not resamples:
            return f"{value:.2f}"
        low, high = ranks.bootstrap_interval(statistic, *arrays, resamples=resamples)
        return f"{value:.2f} [{low:.2f}, {high:.2f}]"

    def banded(a, b, labels) -> float:
        return ranks.banded(ranks.spearman, a, b, labels)

    return [
        cell(ranks.spearman, score, truth),
        cell(ranks.kendall, score, truth),
        cell(banded, score[inside], truth[inside], np.asarray(labels)),
        cell(ranks.partial_spearman, score, truth, rivals),
    ]


class Known(NamedTuple):
    """One accuracy of nets on one target, and what was said of it.

    Attributes:
        scores: By name (nets,).
        truth: (nets,) accuracies.
        rivals: (nets, R).
    """

    scores: Mapping[str, np.ndarray]
    truth: np.ndarray
    rivals: np.ndarray


def best_scores(known: Sequence[Known], rule: str) -> list[str]:
    """Returns the scores that all have, best partial correlations first.

    Args:
        known: Of the targets that have a say.
        rule: Of `RULES`.
    """
    value = {
        name: RULES[rule](
            [partial(one.scores[name], one.truth, one.rivals) for one in known]
        )
        for name in _defined([one.scores for one in known])
    }
    return sorted(value, key=lambda name: -value[name])


def rank_average(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean rank of each net."""
    return np.mean([rankdata(score) for score in scores], axis=0)


def ridge(known: Sequence[Known], scores: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns what a ridge regression of ranks, fitted on other targets, predicts.

    Args:
        known: Of the others.
        scores: By name (nets,), of the target that is predicted.
    """
    names = _defined([*(one.scores for one in known), scores])

    def standard(values: np.ndarray) -> np.ndarray:
        found = rankdata(values)
        spread = found.std()
        return (found - found.mean()) / (spread if spread > 0 else 1)

    def matrix(values: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.column_stack([standard(values[name]) for name in names])

    x = np.concatenate([matrix(one.scores) for one in known])
    y = np.concatenate([standard(one.truth) for one in known])
    penalty = _RIDGE * len(names) * np.eye(len(names))
    return matrix(scores) @ np.linalg.solve(x.T @ x + penalty, x.T @ y)


def _defined(scores: Sequence[Mapping[str, np.ndarray]]) -> list[str]:
    """Returns the scores that all targets have, defined for all nets."""
    if not scores:
        return []
    first, *others = scores
    return [
        name
        for name in first
        if all(name in s and np.isfinite(s[name]).all() for s in (first, *others))
    ]

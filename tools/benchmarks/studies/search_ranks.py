"""How well scores rank sub-nets, beside what counting blocks can do."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from mmtaskssl.evaluation import rank_statistics as ranks

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


def best_scores(
    scores: Mapping[str, Mapping[str, np.ndarray]],
    truths: Mapping[str, np.ndarray],
    rivals: np.ndarray,
    without: str,
) -> list[str]:
    """Returns the scores in the order that all targets but one give them.

    Args:
        scores: By target, by name (nets,).
        truths: By target (nets,).
        rivals: (nets, R).
        without: The target that is not looked at.
    """
    others = [target for target in truths if target != without]
    common = _defined(scores)
    if not others:
        return []
    mean = {
        name: np.mean([partial(scores[t][name], truths[t], rivals) for t in others])
        for name in common
    }
    return sorted(common, key=lambda name: -mean[name])


def rank_average(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the mean rank of each net."""
    return np.mean([rankdata(score) for score in scores], axis=0)


def ridge(
    scores: Mapping[str, Mapping[str, np.ndarray]],
    truths: Mapping[str, np.ndarray],
    without: str,
) -> np.ndarray:
    """Returns what a ridge regression of ranks, fitted on other targets, predicts.

    Args:
        scores: By target, by name (nets,).
        truths: By target (nets,).
        without: The target that is predicted.
    """
    names = _defined(scores)

    def standard(values: np.ndarray) -> np.ndarray:
        found = rankdata(values)
        spread = found.std()
        return (found - found.mean()) / (spread if spread > 0 else 1)

    def matrix(target: str) -> np.ndarray:
        return np.column_stack([standard(scores[target][name]) for name in names])

    others = [target for target in truths if target != without]
    x = np.concatenate([matrix(target) for target in others])
    y = np.concatenate([standard(truths[target]) for target in others])
    penalty = _RIDGE * len(names) * np.eye(len(names))
    return matrix(without) @ np.linalg.solve(x.T @ x + penalty, x.T @ y)


def _defined(scores: Mapping[str, Mapping[str, np.ndarray]]) -> list[str]:
    """Returns the scores that all targets have, defined for all nets."""
    first, *others = scores.values()
    return [
        name
        for name in first
        if all(name in s and np.isfinite(s[name]).all() for s in (first, *others))
    ]

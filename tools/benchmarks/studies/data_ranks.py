"""How well predictors of accuracy rank sub-nets, as cells of a table."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmtaskssl.evaluation import rank_statistics as ranks


def correlations(
    x: np.ndarray,
    truth: np.ndarray,
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
    resamples: int,
) -> list[str]:
    """Returns the cells of one predictor."""

    def cell(statistic: Callable[..., float], *arrays: Any) -> str:
        low, high = ranks.bootstrap_interval(statistic, *arrays, resamples=resamples)
        return f"{statistic(*arrays):.2f} [{low:.2f}, {high:.2f}]"

    def banded(statistic: Callable[..., float]) -> Callable[..., float]:
        return lambda a, b, bands: ranks.banded(statistic, a, b, bands)

    in_bands = x[inside], truth[inside], np.asarray(labels)
    *_, p = ranks.shuffled_interval(
        banded(ranks.spearman), *in_bands, resamples=resamples
    )
    return [
        cell(ranks.spearman, x, truth),
        cell(ranks.kendall, x, truth),
        cell(banded(ranks.spearman), *in_bands),
        cell(banded(ranks.kendall), *in_bands),
        cell(ranks.partial_spearman, x, truth, macs),
        f"{p:.3f}",
    ]


def agreement(
    truths: Sequence[np.ndarray],
    macs: np.ndarray,
    inside: Sequence[int],
    labels: Sequence[str],
) -> list[str]:
    """Returns the cells of supernets as predictors of each other, means of pairs."""
    found = []
    for a, b in itertools.combinations(truths, 2):
        banded = [
            ranks.banded(statistic, a[inside], b[inside], labels)
            for statistic in (ranks.spearman, ranks.kendall)
        ]
        partial = ranks.partial_spearman(a, b, macs)
        found.append([ranks.spearman(a, b), ranks.kendall(a, b), *banded, partial])
    return [*(f"{value:.2f}" for value in np.mean(found, axis=0)), ""]

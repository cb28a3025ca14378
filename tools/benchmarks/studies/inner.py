"""Accuracies on a target's test images, and on folds of its training images."""

import statistics
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.methods import knn_method, linear_method
from mmtaskssl.evaluation.splits import stratified_folds

from .target import KNN, LINEAR, Target, top1

_FOLDS = 5
# On folds the weight decay is chosen from fewer: five times five fits each.
_METHODS = {"knn": knn_method(), "linear": linear_method((10.0, 1.0, 0.1, 0.01))}


def judge(target: Target, network: nn.Module) -> dict[str, dict]:
    """Returns the figures of a network, in per cent.

    Args:
        target: Images; those of test are read for ``test`` alone.
        network: (N, 3, S, S) normalised images to (N, D) features.

    Returns:
        ``test``: top-1 by method, learnt from all training images; ``inner``: by
        method, top-1 of each of five folds of the training images.
    """
    train, test = target.features(network)
    outer = {"knn": top1(KNN, train, test), "linear": top1(LINEAR, train, test)}
    folds = stratified_folds(train.y, _FOLDS, seed=0)
    inner = {
        name: [top1(method, *_split(train, fold)) for fold in folds]
        for name, method in _METHODS.items()
    }
    return {"test": outer, "inner": inner}


def choose(arms: Mapping[str, Sequence[float]]) -> str:
    """Returns the first arm within one standard error of the best.

    Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3.

    Args:
        arms: Figures of folds by arm, the arm that costs least first.
    """
    best = max(arms, key=lambda arm: statistics.fmean(arms[arm]))
    figures = arms[best]
    error = statistics.stdev(figures) / len(figures) ** 0.5
    least = statistics.fmean(figures) - error
    return next(arm for arm in arms if statistics.fmean(arms[arm]) >= least)


def _split(
    rows: LabeledFeatures, held_out: torch.Tensor
) -> tuple[LabeledFeatures, LabeledFeatures]:
    rest = torch.ones(len(rows.y), dtype=torch.bool)
    rest[held_out] = False
    return rows.subset(rest.nonzero().squeeze(1)), rows.subset(held_out)

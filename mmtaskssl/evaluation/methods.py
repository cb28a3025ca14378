"""The classifiers of frozen features, as `evaluate` runs them."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from .data import LabeledFeatures
from .knn import weighted_knn
from .linear import WEIGHT_DECAYS, linear_probe
from .protocol import Method
from .svm import linear_svm


def knn_method(k: int = 20, temperature: float = 0.07) -> Method:
    """Returns weighted kNN; its runs report ``k_used``, clipped to the images.

    Args:
        k: Neighbours.
        temperature: Of their votes.
    """

    def knn(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        classes = len(train.class_names)
        scores = weighted_knn(train.x, train.y, test.x, classes, k, temperature)
        return scores, {"k_used": min(k, len(train.x))}

    return knn


def linear_method(weight_decays: Sequence[float] = WEIGHT_DECAYS) -> Method:
    """Returns logistic regression; its runs report the ``weight_decay`` it chose.

    Args:
        weight_decays: The grid to choose from.
    """

    def linear(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        classes = len(train.class_names)
        model = linear_probe(train.x, train.y, classes, weight_decays, seed)
        return model.scores(test.x), {"weight_decay": model.weight_decay}

    return linear


def svm_method() -> Method:
    """Returns one linear SVM a class, see `linear_svm`; its runs report ``costs``.

    Images with one label are positive for it and negative for all others.
    """

    def svm(
        train: LabeledFeatures, test: LabeledFeatures, seed: int
    ) -> tuple[Tensor, dict[str, Any]]:
        y = train.y
        if y.dim() == 1:
            y = F.one_hot(y.long(), len(train.class_names))
        return linear_svm(train.x, y, test.x)

    return svm

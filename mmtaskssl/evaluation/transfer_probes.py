"""The classifiers of the transfer protocol: each takes train, val and test rows."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .data import LabeledFeatures
from .knn import weighted_knn
from .linear import fit_linear, try_grid
from .metrics import classification_metrics
from .svm import linear_svm

#: The values of Kornblith et al. ("Do Better ImageNet Models Transfer Better?", CVPR
#: 2019, appendix; also SimCLR's and BYOL's): 45 from 1e-6 to 1e5, evenly on a
#: logarithmic scale. `fit_linear` standardises its features, which is ours: the same
#: values are other strengths than the papers'. See ``published.py``.
TRANSFER_WEIGHT_DECAYS = tuple(10 ** (-6 + 11 * i / 44) for i in range(45))

#: (train, val, test, metric) -> scores (N, C) of the test rows, and facts to report.
Probe = Callable[
    [LabeledFeatures, LabeledFeatures, LabeledFeatures, str],
    tuple[Tensor, dict[str, Any]],
]


def linear(
    train: LabeledFeatures,
    val: LabeledFeatures,
    test: LabeledFeatures,
    metric: str,
    weight_decays: Sequence[float] = TRANSFER_WEIGHT_DECAYS,
) -> tuple[Tensor, dict[str, Any]]:
    """Logistic regression; one against all where an image has several labels.

    The weight decay with the best ``metric`` on the validation rows (among equals the
    one of the lowest cross-entropy there) is fitted again on training and validation
    rows together.

    Args:
        train: Rows to choose with.
        val: Rows to choose on.
        test: Rows to score; they take no part in the choice.
        metric: A key of `classification_metrics`.
        weight_decays: The grid, see `fit_linear`.

    Returns:
        (N, C) logits of the test rows, and the weight decay.
    """
    grid = sorted(weight_decays, reverse=True)
    classes = len(train.class_names)

    def quality(scores: Tensor, y: Tensor) -> float:
        return classification_metrics(scores, y)[metric]

    found = try_grid((train.x, train.y), (val.x, val.y), classes, grid, quality)
    chosen = grid[max(range(len(grid)), key=found.__getitem__)]
    x, y = torch.cat([train.x, val.x]), torch.cat([train.y, val.y])
    facts = {
        "weight_decay": chosen,
        "val_score": max(quality for quality, _ in found),
        "at_end_of_grid": chosen in (grid[0], grid[-1]),
    }
    return fit_linear(x, y, classes, chosen).scores(test.x), facts


def knn(
    train: LabeledFeatures, val: LabeledFeatures, test: LabeledFeatures, metric: str
) -> tuple[Tensor, dict[str, Any]]:
    """Weighted kNN (k 20, temperature 0.07) among training and validation rows."""
    x, y = torch.cat([train.x, val.x]), torch.cat([train.y, val.y])
    scores = weighted_knn(x, y, test.x, len(train.class_names))
    return scores, {"k_used": min(20, len(x))}


def svm(
    train: LabeledFeatures, val: LabeledFeatures, test: LabeledFeatures, metric: str
) -> tuple[Tensor, dict[str, Any]]:
    """The VOC07 SVM protocol on training and validation rows, see `linear_svm`."""
    x, y = torch.cat([train.x, val.x]), torch.cat([train.y, val.y])
    return linear_svm(x, y, test.x)


#: Which of ``published.PUBLISHED`` each follows; kNN is not of these tables.
PROTOCOLS = {"linear": "transfer-linear", "svm": "voc07-svm"}
PROBES: dict[str, Probe] = {"linear": linear, "knn": knn, "svm": svm}

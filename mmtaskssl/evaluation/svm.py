"""The VOC07 SVM protocol: one linear SVM a class on frozen features."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..utils.families import OptionConflict, PackageMissing, TargetTooSmall

if TYPE_CHECKING:
    from sklearn.svm import LinearSVC

#: Goyal et al., "Scaling and Benchmarking Self-Supervised Visual Representation
#: Learning", ICCV 2019, appendix: powers of 2 from -19 to -4, and of 10 from -7 to 2.
SVM_COSTS = tuple(
    sorted([2.0**power for power in range(-19, -3)] + [10.0**p for p in range(-7, 3)])
)
_FOLDS = 3


def linear_svm(x: Tensor, y: Tensor, test_x: Tensor) -> tuple[Tensor, dict[str, Any]]:
    """Fits one against all, each class with the cost of the best average precision.

    The cost is chosen by threefold cross-validation on the training rows; the features
    are L2-normalised, the loss is the squared hinge, a positive row counts twice. Rows
    whose label is left open are not used for that class.

    Args:
        x: (M, D) training features.
        y: (M, C) zero-one labels, negative where left open.
        test_x: (N, D) features to score.

    Returns:
        (N, C) float64 decision values, and the cost of each class.

    Raises:
        UserError: scikit-learn is not installed, one label an image, or a class that
            all or none of the images have.
    """
    if y.dim() != 2:
        raise OptionConflict(
            "the SVM protocol is for sets with several labels an image"
        )
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise PackageMissing("the probe svm needs: pip install scikit-learn") from error
    device = x.device
    x, test_x = (
        F.normalize(part.double(), dim=1).cpu().numpy() for part in (x, test_x)
    )
    columns, costs = [], []
    for number, column in enumerate(y.cpu().numpy().T):
        known = column >= 0
        positive = column[known] > 0.5
        if positive.all() or not positive.any():
            raise TargetTooSmall(
                f"class {number} has {int(positive.sum())} images with it among "
                f"{len(positive)}: an SVM needs images with and without"
            )
        with warnings.catch_warnings():
            # Large costs end at the last step, as in the authors' own runs.
            warnings.filterwarnings("ignore", message="Liblinear failed to converge")
            costs.append(_choose_cost(x[known], positive))
            model = _classifier(costs[-1]).fit(x[known], positive)
        columns.append(model.decision_function(test_x))
    scores = torch.from_numpy(np.stack(columns, axis=1)).to(device)
    return scores, {"costs": costs}


def _choose_cost(x: np.ndarray, positive: np.ndarray) -> float:
    from sklearn.model_selection import cross_val_score

    folds = min(_FOLDS, int(positive.sum()), int((~positive).sum()))
    if folds < 2:
        return 1.0
    quality = [
        cross_val_score(
            _classifier(cost), x, positive, cv=folds, scoring="average_precision"
        ).mean()
        for cost in SVM_COSTS
    ]
    return SVM_COSTS[int(np.argmax(quality))]


def _classifier(cost: float) -> "LinearSVC":
    from sklearn.svm import LinearSVC

    return LinearSVC(
        C=cost,
        class_weight={True: 2.0, False: 1.0},
        dual="auto",
        max_iter=2000,
        random_state=0,
    )

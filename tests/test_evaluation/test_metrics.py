"""Metrics against scikit-learn and by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, precision_recall_curve

from mmtaskssl.evaluation.metrics import (
    average_precision,
    classification_metrics,
    mean_per_class,
    multilabel_map,
    top1,
)


def test_accuracies():
    g = torch.Generator().manual_seed(0)
    scores = torch.randn(60, 4, generator=g)
    labels = torch.randint(3, (60,), generator=g)  # class 3 has no row
    guess = scores.argmax(1)
    assert top1(scores, labels) == pytest.approx((guess == labels).float().mean())
    recalls = [(guess[labels == c] == c).float().mean() for c in range(3)]
    assert mean_per_class(scores, labels) == pytest.approx(sum(recalls) / 3)
    seen = guess.clone()
    with pytest.warns(UserWarning, match="y_pred contains classes"):
        expected = balanced_accuracy_score(labels, seen)
    assert mean_per_class(scores, labels) == pytest.approx(expected)


def slow_average_precision(scores, positive, eleven_points):
    precision, recall, _ = precision_recall_curve(positive, scores)
    precision, recall = precision[::-1], recall[::-1]  # recall ascends from 0
    precision, recall = precision[1:], recall[1:]

    def best_from(level):
        reached = recall >= level - 1e-12
        return precision[reached].max() if reached.any() else 0.0

    if eleven_points:
        return np.mean([best_from(level / 10) for level in range(11)])
    levels = np.unique(recall[recall > 0])
    widths = np.diff(np.concatenate([[0], levels]))
    return sum(w * best_from(level) for w, level in zip(widths, levels, strict=True))


@pytest.mark.parametrize("eleven_points", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("positives", [1, 3, 10, 40])
def test_average_precision(eleven_points, ties, positives):
    rng = np.random.default_rng(positives)
    scores = rng.normal(size=40)
    if ties:
        scores = scores.round()
    positive = np.zeros(40, dtype=bool)
    positive[rng.permutation(40)[:positives]] = True
    ours = average_precision(
        torch.from_numpy(scores), torch.from_numpy(positive), eleven_points
    )
    expected = slow_average_precision(scores, positive, eleven_points)
    assert ours == pytest.approx(expected, abs=1e-9)


def test_average_precision_by_hand():
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6])
    positive = torch.tensor([True, False, True, False])
    # Recall 0.5 at precision 1, recall 1 at precision 2/3.
    assert average_precision(scores, positive) == pytest.approx((1 + 2 / 3) / 2)
    eleven = (6 * 1 + 5 * 2 / 3) / 11
    assert average_precision(scores, positive, True) == pytest.approx(eleven)
    order = torch.tensor([3, 1, 0, 2])
    constant = torch.zeros(4)
    assert average_precision(constant, positive) == 0.5
    assert average_precision(constant, positive[order]) == 0.5


def test_multilabel_map_skips_classes_without_positives():
    scores = torch.tensor([[0.9, 0.1], [0.1, 0.2]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    assert multilabel_map(scores, targets) == 1
    assert math.isnan(multilabel_map(scores, torch.zeros(2, 2)))
    assert set(classification_metrics(scores, targets)) == {"mAP", "mAP_11point"}
    assert set(classification_metrics(scores, torch.tensor([0, 1]))) == {
        "top1",
        "mean_per_class",
    }

"""Metrics of samples of images, and their differences."""

import numpy as np
import pytest
import torch

from mmtaskssl.customize.dense.counts import Matches, Overlaps, dense_difference
from mmtaskssl.evaluation.detection_counts import matched
from mmtaskssl.evaluation.metrics import average_precision
from mmtaskssl.utils.errors import UserError


def _matches(hit, score, image=(0, 0, 1), boxes=((2,), (1,))):
    rows = len(hit)
    return Matches(
        np.array(image), np.zeros(rows, int), np.array(score), np.array(hit, float),
        np.array(boxes, float),
    )  # fmt: skip


def test_average_precision_is_that_of_the_reference():
    rng = np.random.default_rng(0)
    hit = rng.integers(0, 2, 40)
    found = Matches(
        np.arange(40) % 5,
        np.zeros(40, int),
        rng.random(40),
        hit.astype(float),
        np.bincount(np.arange(40) % 5, weights=hit)[:, None],
    )
    expected = average_precision(torch.tensor(found.score), torch.tensor(hit) > 0)
    assert found.value(np.ones(5)) == pytest.approx(100 * expected)


def test_boxes_that_nothing_found_count():
    assert _matches([1, 0, 1], [0.9, 0.8, 0.7]).value(np.ones(2)) == pytest.approx(
        100 * (1 / 3 + 2 / 3 * 1 / 3)
    )


def test_a_sample_is_as_if_images_were_copied():
    once = _matches([1, 0, 1], [0.9, 0.8, 0.7])
    twice = _matches(
        [1, 0, 1, 1], [0.9, 0.8, 0.7, 0.7], (0, 0, 1, 2), ((2,), (1,), (1,))
    )
    assert once.value(np.array([1, 2])) == pytest.approx(twice.value(np.ones(3)))
    assert once.value(np.array([0, 1])) == pytest.approx(100)


def test_overlaps_are_of_all_pixels():
    found = Overlaps(np.array([[3.0, 0], [1, 0]]), np.array([[4.0, 0], [4, 0]]))
    assert found.value(np.ones(2)) == pytest.approx(50)  # no image has class 1
    assert found.value(np.array([1, 0])) == pytest.approx(75)


def test_detections_are_matched_once_and_by_class():
    truth = torch.tensor([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    classes = torch.tensor([0, 1])
    boxes = torch.tensor(
        [[0.0, 0, 10, 9], [0, 0, 10, 10], [20, 20, 30, 30], [0, 0, 3, 3]]
    )
    scores, labels = torch.tensor([0.9, 0.8, 0.7, 0.99]), torch.tensor([0, 0, 0, 0])
    assert matched(boxes, scores, labels, truth, classes).tolist() == [1, 0, 0, 0]
    labels[2] = 1
    assert matched(boxes, scores, labels, truth, classes).tolist() == [1, 0, 1, 0]
    nothing = torch.zeros(0, 4)
    assert matched(boxes, scores, labels, nothing, torch.zeros(0)).tolist() == [0] * 4


def test_difference_by_the_bootstrap():
    rng = np.random.default_rng(1)
    union = np.full((60, 1), 100.0)
    base = rng.uniform(30, 60, (60, 1))
    ours, theirs = Overlaps(base + 5, union), Overlaps(base, union)
    found = dense_difference(ours, theirs, "start")
    assert found.mean == pytest.approx(5) and found.low == pytest.approx(5)
    noisy = Overlaps(base + rng.normal(0, 20, (60, 1)), union)
    wide = dense_difference(noisy, theirs, "start")
    assert wide.low < wide.mean < wide.high and wide.p > found.p
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * 20 / 60**0.5, rel=0.3)
    with pytest.raises(UserError, match="not tested on the same images"):
        dense_difference(ours, Overlaps(base[:9], union[:9]), "start")

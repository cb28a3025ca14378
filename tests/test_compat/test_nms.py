import math

import numpy as np
import pytest
import torch
from mmcv.ops import batched_nms, nms, soft_nms


def _iou(a, b, offset):
    width = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    area_a = (a[2] - a[0] + offset) * (a[3] - a[1] + offset)
    area_b = (b[2] - b[0] + offset) * (b[3] - b[1] + offset)
    return width * height / (area_a + area_b - width * height)


def _slow_nms(boxes, scores, threshold, offset):
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    kept = []
    while left:
        best, *left = left
        kept.append(best)
        left = [i for i in left if _iou(boxes[best], boxes[i], offset) <= threshold]
    return kept


def _slow_soft_nms(boxes, scores, threshold, sigma, min_score, method, offset):
    scores = list(scores)
    left = list(range(len(boxes)))
    kept = []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append((best, scores[best]))
        left.remove(best)
        for i in list(left):
            iou = _iou(boxes[best], boxes[i], offset)
            if method == "gaussian":
                scores[i] *= math.exp(-(iou**2) / sigma)
            elif iou >= threshold:
                scores[i] *= 0 if method == "naive" else 1 - iou
            if scores[i] < min_score:
                left.remove(i)
    return kept


def _random_boxes(n, seed, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(n, 2, generator=generator) * 40
    side = torch.rand(n, 2, generator=generator) * 20 + 1
    # A permutation: equal scores would leave the order open.
    scores = (torch.randperm(n, generator=generator) + 1) / (n + 1)
    return torch.cat([corner, corner + side], dim=1).to(dtype), scores.to(dtype)


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_nms_keeps_what_the_slow_loop_keeps_in_its_order(threshold, offset):
    boxes, scores = _random_boxes(60, seed=3)
    dets, kept = nms(boxes, scores, threshold, offset=offset)
    expected = _slow_nms(boxes.tolist(), scores.tolist(), threshold, offset)
    assert kept.tolist() == expected
    assert kept.dtype == torch.int64
    torch.testing.assert_close(dets[:, :4], boxes[kept])
    torch.testing.assert_close(dets[:, 4], scores[kept])


def test_nms_offset_lengthens_the_sides():
    # Sides 2 and 1 apart: IoU 1/3 with offset 0, (2*3)/(9+9-6) = 1/2 with offset 1.
    boxes = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.4, offset=0)[1].tolist() == [0, 1]
    assert nms(boxes, scores, 0.4, offset=1)[1].tolist() == [0]


def test_nms_keeps_a_box_whose_iou_equals_the_threshold():
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 2]])
    scores = torch.tensor([0.1, 0.8])
    assert nms(boxes, scores, 0.5)[1].tolist() == [1, 0]


def test_nms_keeps_the_order_of_equal_scores():
    boxes = torch.tensor([[0.0, 0, 1, 1], [5, 5, 6, 6], [8, 8, 9, 9]])
    assert nms(boxes, torch.ones(3), 0.5)[1].tolist() == [0, 1, 2]


def test_nms_score_threshold_max_num_and_numpy():
    boxes = np.array([[0, 0, 1, 1], [5, 5, 6, 6], [8, 8, 9, 9]], dtype=np.float32)
    scores = np.array([0.2, 0.9, 0.5], dtype=np.float32)
    dets, kept = nms(boxes, scores, 0.5, score_threshold=0.3)
    assert kept.tolist() == [1, 2]
    assert isinstance(dets, np.ndarray)
    assert nms(boxes, scores, 0.5, max_num=1)[1].tolist() == [1]


def test_nms_of_nothing():
    dets, kept = nms(torch.zeros(0, 4), torch.zeros(0), 0.5)
    assert dets.shape == (0, 5)
    assert kept.shape == (0,)
    assert kept.dtype == torch.int64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_nms_takes_other_float_types_and_mixed_ones(dtype):
    boxes, scores = _random_boxes(12, seed=1)
    expected = nms(boxes.to(dtype).float(), scores, 0.3)[1]
    assert nms(boxes.to(dtype), scores, 0.3)[1].tolist() == expected.tolist()


def test_batched_nms_keeps_classes_apart():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    dets, kept = batched_nms(
        boxes, scores, torch.tensor([0, 0, 1]), {"type": "nms", "iou_threshold": 0.5}
    )
    assert kept.tolist() == [1, 2]
    torch.testing.assert_close(dets[:, 4], torch.tensor([0.9, 0.7]))


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
def test_soft_nms_equals_the_slow_loop(method, offset):
    boxes, scores = _random_boxes(40, seed=5)
    settings = {"sigma": 0.4, "min_score": 0.05, "method": method, "offset": offset}
    dets, kept = soft_nms(boxes, scores, 0.3, **settings)
    expected = _slow_soft_nms(boxes.tolist(), scores.tolist(), 0.3, **settings)
    assert kept.tolist() == [i for i, _ in expected]
    torch.testing.assert_close(dets[:, :4], boxes[kept])
    torch.testing.assert_close(
        dets[:, 4], torch.tensor([s for _, s in expected]), rtol=1e-5, atol=1e-6
    )
    assert len(kept) < len(boxes)


def test_soft_nms_of_nothing():
    dets, kept = soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5)
    assert kept.shape == (0,)


def test_soft_nms_leaves_its_inputs_alone():
    boxes, scores = _random_boxes(10, seed=2)
    before = scores.clone()
    soft_nms(boxes, scores, 0.1)
    assert torch.equal(scores, before)

import numpy as np
import pytest
import torch
from mmcv.ops import bbox_overlaps, nms, nms_match

from .test_nms import _iou, _random_boxes


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("mode", ["iou", "iof"])
def test_equals_the_slow_loop(mode, offset):
    a, b = (_random_boxes(8, seed)[0].double() for seed in (1, 2))
    expected = torch.tensor([[_iou(x, y, offset) for y in b] for x in a]).double()
    if mode == "iof":  # the same intersection, of the first box alone
        sides = a[:, 2:] - a[:, :2] + offset
        other = b[:, 2:] - b[:, :2] + offset
        union = sides.prod(1)[:, None] + other.prod(1)
        inter = expected / (1 + expected) * union
        expected = inter / sides.prod(1)[:, None]
    actual = bbox_overlaps(a, b, mode, offset=offset)
    torch.testing.assert_close(actual, expected)
    aligned = bbox_overlaps(a, b, mode, aligned=True, offset=offset)
    torch.testing.assert_close(aligned, expected.diagonal())


def test_the_example_of_the_documentation():
    a = torch.tensor([[0.0, 0, 10, 10], [10, 10, 20, 20], [32, 32, 38, 42]])
    b = torch.tensor([[0.0, 0, 10, 20], [0, 10, 10, 19], [10, 10, 20, 20]])
    found = bbox_overlaps(a, b)
    assert found.tolist() == [[0.5, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert bbox_overlaps(a.half(), b.half()).dtype == torch.float16
    assert bbox_overlaps(a[:0], b).shape == (0, 3)


def test_groups_of_suppressed_boxes():
    boxes, scores = _random_boxes(60, seed=3)
    groups = nms_match(torch.cat([boxes, scores[:, None]], dim=1), 0.3)
    kept = nms(boxes, scores, 0.3)[1].tolist()
    assert [int(group[0]) for group in groups] == kept  # none is at just 0.3
    assert sorted(int(i) for group in groups for i in group) == list(range(60))
    for number, group in enumerate(groups):
        first, *others = group.tolist()
        assert [*scores[group]] == sorted(scores[group], reverse=True)
        for index in others:
            assert _iou(boxes[first], boxes[index], 0) >= 0.3
            for better in groups[:number]:
                assert _iou(boxes[int(better[0])], boxes[index], 0) < 0.3


def test_groups_take_a_box_at_just_the_threshold():
    """Where suppression by itself keeps it."""
    dets = np.array([[0, 0, 2, 2, 0.1], [0, 0, 1, 2, 0.8]], dtype=np.float32)
    assert [group.tolist() for group in nms_match(dets, 0.5)] == [[1, 0]]
    assert nms_match(dets[:0], 0.5) == []


def test_a_threshold_is_one_of_single_precision():
    """3 of 10 equal parts are 0.3 there, and more than 0.3 in double precision."""
    boxes = torch.tensor([[0.0, 0, 10, 1], [0, 0, 7, 1], [0, 0, 3, 1]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    share = bbox_overlaps(boxes[:1], boxes[2:]).item()
    assert share > 0.3  # as a number of double precision
    assert nms(boxes[[0, 2]], scores[:2], 0.3)[1].tolist() == [0, 1]

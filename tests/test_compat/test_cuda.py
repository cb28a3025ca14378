"""The same operators on a CUDA device give what they give on the CPU."""

import pytest
import torch
from mmcv import ops

pytestmark = pytest.mark.gpu

ROIS = torch.tensor([[0.0, 2, 1, 12, 9], [1, -5, -6, 4, 25]])

BOXES = torch.tensor([[[0.3, 0.4, 3.7, 2.9]], [[-2.6, 1.2, 6.3, 8.1]]])


def _randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _deform(x, offset, mask, weight):
    return ops.modulated_deform_conv2d(x, offset, mask, weight, None, 1, 1, 1, 1, 1)


CASES = {
    "roi_align avg": (
        lambda x: ops.roi_align(x, ROIS.to(x.device), (3, 2), 0.5, 0, "avg", True),
        [_randn(2, 3, 8, 9)],
    ),
    "roi_align max": (
        lambda x: ops.roi_align(x, ROIS.to(x.device), (3, 2), 0.5, 2, "max", True),
        [_randn(2, 3, 8, 9)],
    ),
    "focal loss": (
        lambda x: ops.sigmoid_focal_loss(
            x, torch.tensor([0, 3, 2], device=x.device), 2.0, 0.25, None, "none"
        ),
        [_randn(3, 3)],
    ),
    "deform_conv": (
        _deform,
        [
            _randn(2, 3, 5, 6),
            _randn(2, 18, 5, 6, seed=1),
            _randn(2, 9, 5, 6, seed=2),
            _randn(4, 3, 3, 3, seed=3),
        ],
    ),
    "carafe": (
        lambda x, masks: ops.carafe(x, masks, 3, 2, 2),
        [_randn(2, 4, 3, 4), _randn(2, 18, 6, 8, seed=1)],
    ),
    "roi_pool": (
        lambda x: ops.roi_pool(x, ROIS.to(x.device), (3, 2), 0.5),
        [_randn(2, 3, 8, 9)],
    ),
    "deform_roi_pool": (
        lambda x, offset: ops.deform_roi_pool(
            x, ROIS.to(x.device), offset, (3, 2), 0.5, 2, 0.1
        ),
        [_randn(2, 3, 8, 9), _randn(2, 2, 3, 2, seed=1)],
    ),
    "border_align": (
        lambda x: ops.border_align(x, BOXES.to(x.device), 3),
        [_randn(2, 8, 8, 9)],
    ),
    "softmax focal loss": (
        lambda x: ops.softmax_focal_loss(
            x, torch.tensor([0, 2, 1], device=x.device), 2.0, 0.25, None, "sum"
        )[None],
        [_randn(3, 3)],
    ),
    "larger offsets": (
        _deform,
        [
            _randn(2, 3, 5, 6),
            _randn(2, 18, 10, 12, seed=1),
            _randn(2, 9, 10, 12, seed=2),
            _randn(4, 3, 3, 3, seed=3),
        ],
    ),
    "psa collect": (ops.PSAMask("collect", (3, 5)), [_randn(2, 15, 3, 4)]),
    "psa distribute": (ops.PSAMask("distribute", (3, 5)), [_randn(2, 15, 3, 4)]),
}


def _values_and_gradients(function, inputs, device):
    inputs = [x.to(device).requires_grad_() for x in inputs]
    output = function(*inputs)
    weights = _randn(*output.shape, seed=9).to(device)
    gradients = torch.autograd.grad((output * weights).sum(), inputs)
    return [t.detach().cpu() for t in (output, *gradients)]


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    function, inputs = CASES[name]
    expected = _values_and_gradients(function, inputs, "cpu")
    actual = _values_and_gradients(function, inputs, "cuda")
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["roi_align avg", "focal loss", "deform_conv"])
def test_mixed_precision(name):
    function, inputs = CASES[name]
    with torch.autocast("cuda", torch.float16):
        outputs = _values_and_gradients(function, [x.half() for x in inputs], "cuda")
    assert all(output.isfinite().all() for output in outputs)


def test_multi_scale_deformable_attention_is_the_cpus():
    """A module calls another operator on CUDA."""
    torch.manual_seed(0)
    module = ops.MultiScaleDeformableAttention(16, 2, 2, 3, dropout=0.0)
    found = []
    for device in ("cpu", "cuda"):
        module = module.to(device)
        shapes = torch.tensor([[4, 3], [2, 5]], device=device)
        value = _randn(22, 2, 16).to(device).requires_grad_()
        output = module(
            _randn(5, 2, 16, seed=1).to(device),
            value=value,
            reference_points=_randn(2, 5, 2, 2, seed=2).sigmoid().to(device),
            spatial_shapes=shapes,
            level_start_index=torch.tensor([0, 12], device=device),
        )
        (gradient,) = torch.autograd.grad(output.square().sum(), value)
        found.append([output.detach().cpu(), gradient.cpu()])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_masked_convolution_and_groups_of_boxes():
    features, weight, bias = _randn(1, 3, 6, 7), _randn(4, 3, 3, 3), _randn(4)
    mask = _randn(1, 6, 7, seed=1) > 0
    args = features, mask, weight, bias
    expected = ops.masked_conv.masked_conv2d(*args, 1)
    actual = ops.masked_conv.masked_conv2d(*(x.cuda() for x in args), 1)
    torch.testing.assert_close(actual.cpu(), expected, rtol=1e-4, atol=1e-4)
    boxes = BOXES[:, 0]
    actual = ops.bbox_overlaps(boxes.cuda(), boxes.cuda())
    torch.testing.assert_close(actual.cpu(), ops.bbox_overlaps(boxes, boxes))


@pytest.mark.parametrize("operator", [ops.nms, ops.soft_nms])
def test_suppression(operator):
    corner = _randn(200, 2).abs() * 20
    boxes = torch.cat([corner, corner + 10], dim=1)
    scores = torch.randperm(200, generator=torch.Generator().manual_seed(1)) / 200
    dets, kept = operator(boxes.cuda(), scores.cuda(), 0.4)
    expected_dets, expected_kept = operator(boxes, scores, 0.4)
    assert kept.is_cuda
    assert kept.tolist() == expected_kept.tolist()
    torch.testing.assert_close(dets.cpu(), expected_dets)

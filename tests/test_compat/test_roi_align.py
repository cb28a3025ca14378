import math

import pytest
import torch
from mmcv.ops import RoIAlign, roi_align
from torch.autograd import gradcheck

ROIS = torch.tensor(
    [
        [0, 2.3, 1.7, 11.2, 9.1],
        [1, 0.0, 0.0, 15.0, 13.0],
        [1, -5.0, -6.0, 4.0, 25.0],  # partly outside
        [0, 3.0, 4.0, 3.4, 4.3],  # below one cell
    ],
    dtype=torch.float64,
)


def _sample(plane, y, x):
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    y0, x0 = int(y), int(x)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    dy, dx = y - y0, x - x0
    top = plane[y0, x0] * (1 - dx) + plane[y0, x1] * dx
    bottom = plane[y1, x0] * (1 - dx) + plane[y1, x1] * dx
    return float(top * (1 - dy) + bottom * dy)


def _slow_roi_align(input, rois, size, scale, ratio, mode, aligned):
    output = torch.zeros(len(rois), input.shape[1], *size, dtype=input.dtype)
    for r, (image, x1, y1, x2, y2) in enumerate(rois.tolist()):
        shift = 0.5 if aligned else 0.0
        x1, y1, x2, y2 = (v * scale - shift for v in (x1, y1, x2, y2))
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        bin_h, bin_w = height / size[0], width / size[1]
        rows = ratio if ratio > 0 else math.ceil(bin_h)
        columns = ratio if ratio > 0 else math.ceil(bin_w)
        for c, plane in enumerate(input[int(image)]):
            for i in range(size[0]):
                for j in range(size[1]):
                    samples = [
                        _sample(
                            plane,
                            y1 + (i + (p + 0.5) / rows) * bin_h,
                            x1 + (j + (q + 0.5) / columns) * bin_w,
                        )
                        for p in range(rows)
                        for q in range(columns)
                    ]
                    average = sum(samples) / len(samples)
                    output[r, c, i, j] = max(samples) if mode == "max" else average
    return output


def _features(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 8, 9, dtype=dtype, generator=generator)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 1, 3])
@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_equals_the_slow_loop(scale, ratio, aligned, mode):
    args = ((3, 2), scale, ratio, mode, aligned)
    actual = roi_align(_features(), ROIS, *args)
    torch.testing.assert_close(actual, _slow_roi_align(_features(), ROIS, *args))


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 2])
def test_gradient(ratio, aligned, mode):
    x = _features()[:, :1].requires_grad_()
    assert gradcheck(lambda x: roi_align(x, ROIS, (2, 3), 0.5, ratio, mode, aligned), x)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_stays_near_and_keeps_its_type(dtype, mode):
    x = _features(torch.float32).to(dtype).requires_grad_()
    # Whole numbers, which every type holds exactly.
    rois = torch.tensor([[1.0, 1, 2, 13, 11]], dtype=dtype)
    args = ((2, 2), 0.5, 2, mode, True)
    output = roi_align(x, rois, *args)
    assert output.dtype == dtype
    exact = _slow_roi_align(x.detach().double(), rois.double(), *args)
    torch.testing.assert_close(output.double(), exact, rtol=0.01, atol=0.01)
    output.sum().backward()
    assert x.grad.dtype == dtype
    torch.testing.assert_close(x.grad.double().sum().item(), 12.0, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("mode", ["avg", "max"])
def test_no_regions(mode):
    x = _features().requires_grad_()
    output = roi_align(x, ROIS[:0], (2, 2), 1.0, 0, mode, True)
    assert output.shape == (0, 3, 2, 2)
    output.sum().backward()
    assert not x.grad.any()


def test_layer_with_non_contiguous_features():
    layer = RoIAlign((2, 2), spatial_scale=0.5, sampling_ratio=2)
    x = _features().transpose(2, 3)
    torch.testing.assert_close(layer(x, ROIS), layer(x.contiguous(), ROIS))

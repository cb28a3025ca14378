"""Deformable RoI pooling, against its definition."""

import math

import pytest
import torch
from mmcv.ops import deform_roi_pool
from mmcv.ops.deform_roi_pool import ModulatedDeformRoIPoolPack
from torch.autograd import gradcheck

from .test_border_align import _sample

ROIS = torch.tensor(
    [[0, 2.3, 1.1, 12.2, 9.4], [1, 1.7, 2.6, 9.3, 10.9]], dtype=torch.float64
)
SIZE, SCALE, GAMMA = (2, 3), 0.5, 0.1


def _operands():
    generator = torch.Generator().manual_seed(0)

    def randn(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return randn(2, 2, 7, 8), randn(2, 2, *SIZE)


def _slow(x, offset, ratio):
    output = torch.zeros(2, 2, *SIZE, dtype=torch.float64)
    for r, c, i, j in torch.cartesian_prod(*map(torch.arange, output.shape)).tolist():
        image, *box = ROIS[r].tolist()
        left, top, right, bottom = (v * SCALE - 0.5 for v in box)
        width, height = right - left, bottom - top
        rows = ratio or math.ceil(height / SIZE[0])
        columns = ratio or math.ceil(width / SIZE[1])
        if offset is not None:
            left += GAMMA * width * offset[r, 0, i, j].item()
            top += GAMMA * height * offset[r, 1, i, j].item()
        samples = [
            _sample(
                x[int(image), c],
                top + (i + (p + 0.5) / rows) * height / SIZE[0],
                left + (j + (q + 0.5) / columns) * width / SIZE[1],
            )
            for p in range(rows)
            for q in range(columns)
        ]
        output[r, c, i, j] = sum(samples) / len(samples)
    return output


@pytest.mark.parametrize("ratio", [0, 2])
@pytest.mark.parametrize("moved", [True, False])
def test_equals_the_slow_loop(ratio, moved):
    x, offset = _operands()
    offset = offset if moved else None
    actual = deform_roi_pool(x, ROIS, offset, SIZE, SCALE, ratio, GAMMA)
    torch.testing.assert_close(actual, _slow(x, offset, ratio))


def test_gradients():
    x, offset = (t.requires_grad_() for t in _operands())
    assert gradcheck(
        lambda x, o: deform_roi_pool(x, ROIS, o, SIZE, SCALE, 2, GAMMA), (x, offset)
    )
    assert gradcheck(lambda x: deform_roi_pool(x, ROIS, None, SIZE, SCALE, 0, GAMMA), x)


def test_of_no_regions():
    x = _operands()[0].requires_grad_()
    output = deform_roi_pool(x, ROIS[:0], None, SIZE, SCALE, 0, GAMMA)
    assert output.shape == (0, 2, *SIZE)
    output.sum().backward()
    assert not x.grad.any()


def test_a_pack_moves_nothing_before_it_is_trained():
    x = _operands()[0].float()
    pack = ModulatedDeformRoIPoolPack(SIZE, 2, 8, SCALE, 2, GAMMA)
    still = deform_roi_pool(x, ROIS.float(), None, SIZE, SCALE, 2, GAMMA)
    torch.testing.assert_close(pack(x, ROIS.float()), still / 2)  # sigmoid(0) of it

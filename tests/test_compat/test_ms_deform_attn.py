"""Multi-scale deformable attention, as mmcv calls it on CUDA, on the CPU."""

import pytest
import torch
from mmcv.ops.multi_scale_deform_attn import (
    MultiScaleDeformableAttnFunction,
    multi_scale_deformable_attn_pytorch,
)
from torch.autograd import gradcheck

SHAPES = torch.tensor([[4, 3], [2, 5]])
STARTS = torch.tensor([0, 12])
HEADS, DEPTH, QUERIES, POINTS = 2, 3, 4, 2


def _operands(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    value = torch.randn(2, 22, HEADS, DEPTH, generator=generator)
    shape = (2, QUERIES, HEADS, len(SHAPES), POINTS)
    places = torch.rand(*shape, 2, generator=generator) * 1.4 - 0.2
    weights = torch.rand(*shape, generator=generator)
    return [x.to(dtype) for x in (value, places, weights)]


def _attend(value, places, weights):
    return MultiScaleDeformableAttnFunction.apply(
        value, SHAPES, STARTS, places, weights, 64
    )


def _slow(value, places, weights):
    output = torch.zeros(2, QUERIES, HEADS * DEPTH, dtype=torch.float64)
    sizes = (2, QUERIES, HEADS, len(SHAPES), POINTS)
    for n, q, m, level, p in torch.cartesian_prod(*map(torch.arange, sizes)).tolist():
        height, width = SHAPES[level].tolist()
        # The centre of the first cell is half a cell from the edge.
        x = places[n, q, m, level, p, 0].item() * width - 0.5
        y = places[n, q, m, level, p, 1].item() * height - 0.5
        for row in range(height):
            for column in range(width):
                share = max(1 - abs(y - row), 0) * max(1 - abs(x - column), 0)
                share *= weights[n, q, m, level, p].item()
                cell = STARTS[level] + row * width + column
                output[n, q, m * DEPTH : (m + 1) * DEPTH] += share * value[n, cell, m]
    return output


def test_equals_the_slow_loop_and_mmcvs_own_form():
    operands = _operands()
    actual = _attend(*operands)
    torch.testing.assert_close(actual, _slow(*operands))
    value, places, weights = operands
    own = multi_scale_deformable_attn_pytorch(value, SHAPES, places, weights)
    torch.testing.assert_close(actual, own)


def test_gradients():
    assert gradcheck(_attend, [x.requires_grad_() for x in _operands()])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    operands = [x.requires_grad_() for x in _operands(dtype)]
    output = _attend(*operands)
    assert output.dtype == dtype
    exact = _slow(*(x.detach().double() for x in operands))
    torch.testing.assert_close(output.double(), exact, rtol=0.02, atol=0.02)
    output.sum().backward()
    assert all(x.grad.isfinite().all() for x in operands)

"""CARAFE, against its definition: a weighted sum of the cells around the old one."""

import pytest
import torch
from mmcv.ops import carafe
from mmcv.ops.carafe import CARAFEPack
from torch.autograd import gradcheck

KERNEL, GROUPS, SCALE = 3, 2, 2


def _operands():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(2, 4, 3, 4, dtype=torch.float64, generator=generator)
    masks = torch.randn(
        2, GROUPS * KERNEL**2, 6, 8, dtype=torch.float64, generator=generator
    )
    return features, masks


def _slow(features, masks):
    count, channels, height, width = features.shape
    output = torch.zeros(count, channels, height * SCALE, width * SCALE).double()
    for n, c, y, x in torch.cartesian_prod(*map(torch.arange, output.shape)).tolist():
        group = c // (channels // GROUPS)
        for i in range(KERNEL):
            for j in range(KERNEL):
                row, column = y // SCALE + i - 1, x // SCALE + j - 1
                if 0 <= row < height and 0 <= column < width:
                    weight = masks[n, (group * KERNEL + i) * KERNEL + j, y, x]
                    output[n, c, y, x] += weight * features[n, c, row, column]
    return output


def test_equals_the_slow_loop():
    features, masks = _operands()
    actual = carafe(features.requires_grad_(), masks, KERNEL, GROUPS, SCALE)
    torch.testing.assert_close(actual.detach(), _slow(features, masks).detach())


def test_gradients():
    inputs = [x.requires_grad_() for x in _operands()]
    assert gradcheck(lambda f, m: carafe(f, m, KERNEL, GROUPS, SCALE), inputs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    features, masks = (x.to(dtype) for x in _operands())
    actual = carafe(features, masks, KERNEL, GROUPS, SCALE)
    assert actual.dtype == dtype
    exact = _slow(features.double(), masks.double())
    torch.testing.assert_close(actual.double(), exact, rtol=0.02, atol=0.02)


def test_of_a_constant_map_is_the_constant_within():
    """Its pack's weights of a cell sum to 1."""
    torch.manual_seed(0)
    pack = CARAFEPack(4, 2, up_kernel=3)
    output = pack(torch.ones(1, 4, 5, 5))
    torch.testing.assert_close(output[..., 2:-2, 2:-2], torch.ones(1, 4, 6, 6))
    output.sum().backward()
    assert all(p.grad is not None for p in pack.parameters())

"""A masked convolution is the convolution at the places of the mask, else 0."""

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops.masked_conv import MaskedConv2d, masked_conv2d


def _operands(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 3, 6, 7, generator=generator)
    weight = torch.randn(4, 3, 3, 3, generator=generator)
    bias = torch.randn(4, generator=generator)
    mask = torch.rand(1, 6, 7, generator=generator) > 0.5
    return (*(x.to(dtype) for x in (features, weight, bias)), mask)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_convolution_where_the_mask_is(dtype):
    features, weight, bias, mask = _operands(dtype)
    actual = masked_conv2d(features, mask, weight, bias, 1)
    expected = F.conv2d(features, weight, bias, padding=1) * mask
    torch.testing.assert_close(actual, expected)
    assert actual.any() and not actual[0][:, ~mask[0]].any()


def test_of_no_place_and_in_training():
    features, _, _, mask = _operands(torch.float32)
    conv = MaskedConv2d(3, 4, 3, padding=1).eval()
    assert not conv(features, torch.zeros_like(mask)).any()
    torch.testing.assert_close(
        conv(features, torch.ones_like(mask)),
        F.conv2d(features, conv.weight, conv.bias, padding=1).detach(),
    )

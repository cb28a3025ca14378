import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmtaskssl.models.elastic import (
    ElasticConv2d,
    ElasticLinear,
    ElasticSqueezeExcite,
    take,
)

RANGES = ((0, 4), (6, 8))


def _grads(module, output):
    output.square().sum().backward()
    return [p.grad for p in module.parameters()]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("stride,dilation", [(1, 1), (2, 1), (1, 2)])
def test_conv_at_full_width_is_the_static_one_bit_for_bit(bias, stride, dilation):
    torch.manual_seed(0)
    args = {"stride": stride, "padding": dilation, "dilation": dilation, "bias": bias}
    elastic = ElasticConv2d(6, 10, 3, **args)
    static = nn.Conv2d(6, 10, 3, **args)
    static.load_state_dict(elastic.state_dict())
    x = torch.randn(2, 6, 9, 9)
    out = elastic(x)
    assert torch.equal(out, static(x))
    for a, b in zip(_grads(elastic, out), _grads(static, static(x)), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("out", [None, 3, 8, RANGES])
@pytest.mark.parametrize("in_", [None, 6, RANGES])
def test_conv_slices(out, in_):
    torch.manual_seed(0)
    conv = ElasticConv2d(8, 8, 3, padding=1, bias=True)
    x = torch.randn(2, 6 if in_ else 5, 5, 5)
    rows = list(range(8)) if out is None else _indices(out)
    columns = list(range(5)) if in_ is None else _indices(in_)
    expected = F.conv2d(x, conv.weight[rows][:, columns], conv.bias[rows], padding=1)
    result = conv(x, out, in_)
    torch.testing.assert_close(result, expected)
    result.square().sum().backward()
    active = torch.zeros_like(conv.weight, dtype=torch.bool)
    for row in rows:
        active[row, columns] = True
    assert (conv.weight.grad[~active] == 0).all()
    assert (conv.weight.grad[active] != 0).all()


def _indices(channels):
    return take(torch.arange(8), 0, channels).tolist()


def test_depthwise_follows_its_input():
    torch.manual_seed(0)
    conv = ElasticConv2d(8, 8, 5, padding=2, groups=8, bias=False)
    static = nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False)
    static.load_state_dict(conv.state_dict())
    x = torch.randn(2, 8, 6, 6)
    assert torch.equal(conv(x), static(x))
    assert torch.equal(
        conv(x[:, :3]), F.conv2d(x[:, :3], conv.weight[:3], None, 1, 2, 1, 3)
    )
    picked = conv(x[:, list(_indices(RANGES))], in_=RANGES)
    torch.testing.assert_close(picked, static(x)[:, _indices(RANGES)])


def test_what_a_conv_cannot_do():
    with pytest.raises(ValueError, match="depthwise"):
        ElasticConv2d(8, 8, 3, groups=2)
    with pytest.raises(ValueError, match="zeros"):
        ElasticConv2d(8, 8, 3, padding_mode="reflect")
    with pytest.raises(ValueError, match="9 channels"):
        ElasticConv2d(8, 8, 3)(torch.zeros(1, 8, 5, 5), 9)


def test_linear():
    torch.manual_seed(0)
    elastic, static = ElasticLinear(8, 8), nn.Linear(8, 8)
    static.load_state_dict(elastic.state_dict())
    x = torch.randn(3, 8)
    assert torch.equal(elastic(x), static(x))
    expected = x[:, :5] @ elastic.weight[:3, :5].T + elastic.bias[:3]
    torch.testing.assert_close(elastic(x[:, :5], 3), expected)
    picked = elastic(x[:, _indices(RANGES)], None, RANGES)
    expected = F.linear(x[:, _indices(RANGES)], elastic.weight[:, _indices(RANGES)])
    torch.testing.assert_close(picked, expected + elastic.bias)
    elastic(x[:, :5], 3).sum().backward()
    assert (elastic.weight.grad[3:] == 0).all()
    assert (elastic.weight.grad[:, 5:] == 0).all()


def test_squeeze_excite_is_torchvisions():
    torchvision_ops = pytest.importorskip("torchvision.ops")
    torch.manual_seed(0)
    static = torchvision_ops.SqueezeExcitation(16, 8, scale_activation=nn.Hardsigmoid)
    elastic = ElasticSqueezeExcite(16, 8)
    elastic.load_state_dict(static.state_dict())
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(elastic(x), static(x))
    thin = torchvision_ops.SqueezeExcitation(8, 4, scale_activation=nn.Hardsigmoid)
    thin.load_state_dict(
        {
            "fc1.weight": static.fc1.weight[:4, :8],
            "fc1.bias": static.fc1.bias[:4],
            "fc2.weight": static.fc2.weight[:8, :4],
            "fc2.bias": static.fc2.bias[:8],
        }
    )
    torch.testing.assert_close(elastic(x[:, :8], 4), thin(x[:, :8]))


def test_channels_last_and_autocast():
    torch.manual_seed(0)
    conv = ElasticConv2d(8, 8, 3, padding=1)
    x = torch.randn(2, 6, 5, 5)
    expected = conv(x, 5)
    last = copy.deepcopy(conv).to(memory_format=torch.channels_last)
    result = last(x.contiguous(memory_format=torch.channels_last), 5)
    torch.testing.assert_close(result, expected)
    with torch.autocast("cpu", torch.bfloat16):
        result = conv(x, 5)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), expected, rtol=0.05, atol=0.05)
    result.float().sum().backward()
    assert conv.weight.grad.dtype == torch.float32

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmtaskssl.models import tap_conv
from mmtaskssl.models.elastic import ElasticConv2d
from mmtaskssl.models.tap_conv import convolve, use_no_taps, use_taps

_LAST = torch.channels_last


@pytest.fixture
def taps(monkeypatch):
    """Counts the products; any amount of work is worth them."""
    calls = []
    blocks = tap_conv._blocks

    def counted(*args):
        calls.append(args[0].shape)
        return blocks(*args)

    monkeypatch.setattr(tap_conv, "_LEAST", 1)
    monkeypatch.setattr(tap_conv, "_blocks", counted)
    return calls


def _both(x, weight, bias, stride, padding):
    """Yields output and gradients, PyTorch's and by taps."""
    for function in (F.conv2d, convolve):
        given = [
            t.detach().clone(memory_format=torch.preserve_format) for t in (x, weight)
        ]
        given.append(bias.clone())
        for tensor in given:
            tensor.requires_grad_()
        y = function(*given, stride, padding)
        torch.manual_seed(1)
        (y * torch.randn(y.shape)).sum().backward()
        yield [y.detach(), *(tensor.grad for tensor in given)]


@pytest.mark.parametrize(
    "size, kernel, stride, padding",
    [
        ((2, 2), (3, 3), (1, 1), (1, 1)),
        ((1, 1), (3, 3), (1, 1), (1, 1)),
        ((4, 4), (3, 3), (1, 1), (1, 1)),
        ((4, 4), (3, 3), (2, 2), (1, 1)),
        ((5, 5), (3, 3), (2, 2), (1, 1)),
        ((4, 4), (1, 1), (2, 2), (0, 0)),
        ((3, 3), (1, 1), (1, 1), (0, 0)),
        ((2, 5), (3, 2), (1, 2), (2, 0)),
        ((6, 3), (5, 3), (3, 1), (2, 1)),
        ((3, 3), (7, 7), (2, 2), (3, 3)),
    ],
)
def test_taps_are_a_convolution(taps, size, kernel, stride, padding):
    torch.manual_seed(0)
    x = torch.randn(5, 6, *size).contiguous(memory_format=_LAST)
    weight = torch.randn(7, 6, *kernel).contiguous(memory_format=_LAST)
    theirs, ours = _both(x, weight, torch.randn(7), stride, padding)
    assert len(taps) == 2  # forward, backward
    for one, other in zip(theirs, ours, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4)
    assert ours[0].is_contiguous(memory_format=_LAST)


@pytest.mark.parametrize("size, stride", itertools.product((2, 3, 4), (1, 2)))
def test_each_product_is_counted_once(taps, size, stride):
    x = torch.ones(1, 1, size, size, dtype=torch.float32)
    theirs, ours = _both(
        x, torch.ones(1, 1, 3, 3), torch.zeros(1), (stride,) * 2, (1, 1)
    )
    for one, other in zip(theirs[:1], ours[:1], strict=True):
        assert torch.equal(one, other)


def test_slices_of_a_weight(taps):
    torch.manual_seed(0)
    whole = torch.randn(8, 6, 3, 3).contiguous(memory_format=_LAST)
    x = torch.randn(4, 5, 2, 2).contiguous(memory_format=_LAST)
    theirs, ours = [], []
    for function, found in ((F.conv2d, theirs), (convolve, ours)):
        weight = whole.clone(memory_format=torch.preserve_format).requires_grad_()
        y = function(x, weight[:7, :5], None, (1, 1), (1, 1))
        y.square().sum().backward()
        found += [y.detach(), weight.grad]
    for one, other in zip(theirs, ours, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-3)
    assert ours[1].is_contiguous(memory_format=_LAST)
    assert not ours[1][7:].any() and not ours[1][:, 5:].any()


def test_gradients_that_nobody_asks_for(taps):
    x, weight = torch.randn(3, 4, 2, 2), torch.randn(5, 4, 3, 3, requires_grad=True)
    convolve(x, weight, None, (1, 1), (1, 1)).sum().backward()
    assert x.grad is None and weight.grad is not None
    with torch.no_grad():
        assert not convolve(x, weight, None, (1, 1), (1, 1)).requires_grad


@pytest.mark.parametrize("case", ("large map", "double", "autocast", "little work"))
def test_elsewhere_it_is_pytorchs(taps, case, monkeypatch):
    size = 5 if case == "large map" else 2
    dtype = torch.float64 if case == "double" else torch.float32
    if case == "little work":
        monkeypatch.setattr(tap_conv, "_LEAST", 2**20)
    x, weight = (
        torch.randn(3, 4, size, size, dtype=dtype),
        torch.randn(5, 4, 3, 3, dtype=dtype),
    )
    with torch.autocast("cpu", torch.bfloat16, enabled=case == "autocast"):
        theirs = F.conv2d(x, weight, None, 1, 1)
        assert torch.equal(convolve(x, weight, None, (1, 1), (1, 1)), theirs)
    assert not taps


def test_a_model_uses_taps_and_no_longer(taps):
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        ElasticConv2d(4, 6, 3, padding=1),
    )
    x = torch.randn(2, 3, 2, 2)
    before = model(x)
    use_taps(model)
    torch.testing.assert_close(model(x), before)
    assert len(taps) == 2  # the first and the last
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert not twin(x).any()  # a copy convolves with its own weights
    torch.testing.assert_close(model(x), before)
    taps.clear()
    use_no_taps(model)
    assert torch.equal(model(x), before) and not taps

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import deform_conv2d, modulated_deform_conv2d
from torch.autograd import gradcheck

# Kernel 3 x 2, unlike strides, paddings and dilations: an exchange would show.
STRIDE, PADDING, DILATION, GROUPS, OFFSET_GROUPS = (2, 1), (1, 2), (1, 2), 2, 2
OUT = (3, 6)


def _operands(seed=0):
    generator = torch.Generator().manual_seed(seed)

    def randn(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    return {
        "input": randn(2, 4, 5, 4),
        "offset": randn(2, 2 * OFFSET_GROUPS * 6, *OUT) * 1.5,
        "mask": randn(2, OFFSET_GROUPS * 6, *OUT).sigmoid(),
        "weight": randn(4, 4 // GROUPS, 3, 2),
        "bias": randn(4),
    }


def _sample(plane, y, x):
    height, width = plane.shape
    value = 0.0
    for row in (int(y // 1), int(y // 1) + 1):
        for column in (int(x // 1), int(x // 1) + 1):
            if 0 <= row < height and 0 <= column < width:
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                value += share * plane[row, column].item()
    return value


def _slow(input, offset, mask, weight, bias):
    output = torch.zeros(2, 4, *OUT, dtype=torch.float64)
    per_offset_group = input.shape[1] // OFFSET_GROUPS
    for n, o, i, j in torch.cartesian_prod(*map(torch.arange, output.shape)).tolist():
        total = 0.0 if bias is None else bias[o].item()
        for c in range(weight.shape[1]):
            channel = c + o // (4 // GROUPS) * weight.shape[1]
            for k, (p, q) in enumerate((p, q) for p in range(3) for q in range(2)):
                cell = channel // per_offset_group * 6 + k
                y = i * STRIDE[0] - PADDING[0] + p * DILATION[0]
                x = j * STRIDE[1] - PADDING[1] + q * DILATION[1]
                y += offset[n, 2 * cell, i, j].item()
                x += offset[n, 2 * cell + 1, i, j].item()
                value = _sample(input[n, channel], y, x)
                if mask is not None:
                    value *= mask[n, cell, i, j].item()
                total += value * weight[o, c, p, q].item()
        output[n, o, i, j] = total
    return output


def _v1(input, offset, weight):
    return deform_conv2d(
        input, offset, weight, STRIDE, PADDING, DILATION, GROUPS, OFFSET_GROUPS
    )


def _v2(input, offset, mask, weight, bias=None):
    return modulated_deform_conv2d(
        input,
        offset,
        mask,
        weight,
        bias,
        STRIDE,
        PADDING,
        DILATION,
        GROUPS,
        OFFSET_GROUPS,
    )


def test_v1_equals_the_slow_loop():
    ops = _operands()
    actual = _v1(ops["input"], ops["offset"], ops["weight"])
    ops.update(mask=None, bias=None)
    torch.testing.assert_close(actual, _slow(**ops))


@pytest.mark.parametrize("with_bias", [True, False])
def test_v2_equals_the_slow_loop(with_bias):
    ops = _operands()
    if not with_bias:
        ops["bias"] = None
    torch.testing.assert_close(_v2(**ops), _slow(**ops))


def test_v1_without_offsets_is_a_convolution():
    ops = _operands()
    actual = _v1(ops["input"], torch.zeros_like(ops["offset"]), ops["weight"])
    expected = F.conv2d(
        ops["input"], ops["weight"], None, STRIDE, PADDING, DILATION, GROUPS
    )
    torch.testing.assert_close(actual, expected)


def test_v1_gradients():
    ops = _operands()
    inputs = [ops[k].requires_grad_() for k in ("input", "offset", "weight")]
    assert gradcheck(_v1, inputs)


@pytest.mark.parametrize("with_bias", [True, False])
def test_v2_gradients(with_bias):
    names = ["input", "offset", "mask", "weight"] + ["bias"] * with_bias
    ops = _operands()
    assert gradcheck(_v2, [ops[k].requires_grad_() for k in names])


def test_bfloat16():
    ops = {k: v.bfloat16() for k, v in _operands().items()}
    inputs = [ops[k].requires_grad_() for k in ("input", "offset", "mask", "weight")]
    output = _v2(*inputs)
    assert output.dtype == torch.bfloat16
    exact = _slow(*(v.detach().double() for v in inputs), None)
    torch.testing.assert_close(output.double(), exact, rtol=0.02, atol=0.02)
    output.sum().backward()
    assert all(v.grad.isfinite().all() for v in inputs)


def test_v2_reads_offsets_of_a_larger_map_in_their_order():
    """DyHead gives those of a level twice as large; the first ones count."""
    ops = _operands()
    generator = torch.Generator().manual_seed(1)
    large = {}
    for name in ("offset", "mask"):
        small = ops[name]
        rest = torch.randn(2, small.shape[1], 6, 12, generator=generator).double()
        flat = rest.flatten(1)
        flat[:, : small[0].numel()] = small.flatten(1)
        large[name] = rest.requires_grad_()
    expected = _v2(**ops)
    actual = _v2(**{**ops, **large})
    torch.testing.assert_close(actual, expected)
    actual.sum().backward()
    for name in ("offset", "mask"):
        ops[name].requires_grad_()
    _v2(**ops).sum().backward()
    for name, whole in large.items():
        used = ops[name][0].numel()
        grad = whole.grad.flatten(1)
        torch.testing.assert_close(grad[:, :used], ops[name].grad.flatten(1))
        assert not grad[:, used:].any()


def test_offsets_of_a_smaller_map_are_refused():
    ops = _operands()
    with pytest.raises(RuntimeError, match="offset"):
        _v2(**{**ops, "offset": ops["offset"][..., 1:]})


@pytest.mark.parametrize("axis", [0, 1])
def test_a_sample_at_just_minus_one_has_no_gradient(axis):
    """Nothing is seen there: of its offset there is no slope towards the inside."""
    x = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    weight = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    offset = torch.zeros(1, 2, 3, 3, dtype=torch.float64)
    offset[0, axis, 0, 0] = -1  # of the first cell; the others stay within
    offset[0, axis, 2, 2] = -2.5  # 0 or less, but inside
    mask = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    for call in (
        lambda o: deform_conv2d(x, o, weight),
        lambda o: modulated_deform_conv2d(x, o, mask, weight, None, 1, 0, 1, 1, 1),
    ):
        moved = offset.clone().requires_grad_()
        call(moved).sum().backward()
        assert not moved.grad[0, :, 0, 0].any()
        assert moved.grad[0, axis, 2, 2] == 1  # half of the first cell is seen

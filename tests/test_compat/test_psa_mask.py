import pytest
import torch
from mmcv.ops import PSAMask
from torch.autograd import gradcheck


def _slow(input, mask_size, kind):
    number, _, height, width = input.shape
    rows, columns = mask_size
    masks = input.reshape(number, rows, columns, height, width)
    output = torch.zeros(number, height * width, height, width, dtype=input.dtype)
    for n in range(number):
        for h in range(height):
            for w in range(width):
                for i in range(rows):
                    for j in range(columns):
                        y, x = i + h - (rows - 1) // 2, j + w - (columns - 1) // 2
                        if not (0 <= y < height and 0 <= x < width):
                            continue
                        value = masks[n, i, j, h, w]
                        if kind == "collect":
                            output[n, y * width + x, h, w] = value
                        else:
                            output[n, h * width + w, y, x] = value
    return output


def _input(mask_size, height=3, width=4):
    generator = torch.Generator().manual_seed(0)
    channels = mask_size[0] * mask_size[1]
    return torch.randn(
        2, channels, height, width, dtype=torch.float64, generator=generator
    )


# Smaller than the map, of even side, exactly twice less one, and larger.
SIZES = [(1, 3), (2, 4), (5, 7), (9, 9)]


@pytest.mark.parametrize("kind", ["collect", "distribute"])
@pytest.mark.parametrize("mask_size", SIZES)
def test_equals_the_slow_loop(mask_size, kind):
    x = _input(mask_size)
    assert torch.equal(PSAMask(kind, mask_size)(x), _slow(x, mask_size, kind))


@pytest.mark.parametrize("kind", ["collect", "distribute"])
@pytest.mark.parametrize("mask_size", SIZES)
def test_gradient(mask_size, kind):
    x = _input(mask_size).requires_grad_()
    assert gradcheck(PSAMask(kind, mask_size), x)

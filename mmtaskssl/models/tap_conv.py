"""Convolution of maps of a few pixels, a matrix product for each tap of the kernel."""

from collections.abc import Iterator
from functools import lru_cache, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Output pixels up to which taps are faster, forward and backward together, measured on
# AVX2 by tools/benchmarks/speed_convolutions.py: with a stride of one, where rows of
# pixels are one matrix, and with others.
_MOST, _MOST_STRIDED = 16, 9
# Products of numbers that a tap has at least for a pixel of all images, to be worth it.
_LEAST = 2**20

_Pair = tuple[int, int]
# Row and column of the tap; first pixel of the output, of the input; how many.
_Block = tuple[int, int, int, int, int]
_ATTRIBUTE = "_conv_forward"


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: _Pair, padding: _Pair
) -> Tensor:
    """`torch.nn.functional.conv2d`, by taps where that is faster.

    A kernel of 3x3 on a map of 2x2 multiplies 36 vectors, 20 of them with padding, and
    a library of convolutions spends most of its time on arranging them. Here the pixels
    of all images are rows of matrices, and each tap multiplies those that it meets
    inside the map. Results differ in rounding.

    Args:
        x: (N, C, H, W).
        weight: (O, C, kH, kW); fast if it is channels-last.
        bias: (O,).
        stride: Down and across.
        padding: Zeros above and below, left and right.

    Returns:
        (N, O, H', W'), channels-last if it went by taps.
    """
    height, width = _output_shape(x.shape, weight.shape, stride, padding)
    most = _MOST if tuple(stride) == (1, 1) else _MOST_STRIDED
    if height * width > most or not _suits(x, weight):
        return F.conv2d(x, weight, bias, stride, padding)
    y = by_taps(x, weight, stride, padding)
    return y if bias is None else y + bias.view(-1, 1, 1)


def by_taps(x: Tensor, weight: Tensor, stride: _Pair, padding: _Pair) -> Tensor:
    """Returns a convolution by taps, whatever is faster.

    Args:
        x: (N, C, H, W) on a CPU.
        weight: (O, C, kH, kW).
        stride: Down and across.
        padding: Zeros above and below, left and right.

    Returns:
        (N, O, H', W'), channels-last.
    """
    return _TapConv.apply(x, weight, stride, padding)


def use_taps(model: nn.Module) -> None:
    """Lets the convolutions of a model be `convolve`.

    Args:
        model: Its dense, undilated convolutions with zero padding are changed in place.
    """
    for conv in model.modules():
        if (
            isinstance(conv, nn.Conv2d)
            and conv.groups == 1
            and conv.padding_mode == "zeros"
            and not isinstance(conv.padding, str)
            and tuple(conv.dilation) == (1, 1)
        ):
            own = partial(convolve, stride=conv.stride, padding=conv.padding)
            setattr(conv, _ATTRIBUTE, own)


def use_no_taps(model: nn.Module) -> None:
    """Undoes `use_taps`.

    Args:
        model: Is changed in place.
    """
    for conv in model.modules():
        vars(conv).pop(_ATTRIBUTE, None)


class _TapConv(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, stride, padding):
        ctx.save_for_backward(x, weight)
        ctx.options = stride, padding
        shape = _output_shape(x.shape, weight.shape, stride, padding)
        y = x.new_zeros(*shape, len(x), len(weight))
        rows, out = _rows(_by_pixel(x)), _rows(y)
        for (row, column), here, there in _blocks(x, weight, stride, padding):
            out[here].addmm_(rows[there], weight[:, :, row, column].t())
        return _by_image(y)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        blocks = list(_blocks(x, weight, *ctx.options))
        grad_x = grad_weight = None
        out = _rows(_by_pixel(grad))
        if ctx.needs_input_grad[0]:
            grad_x = x.new_zeros(*x.shape[2:], *x.shape[:2])
            rows = _rows(grad_x)
            for (row, column), here, there in blocks:
                rows[there].addmm_(out[here], weight[:, :, row, column])
            grad_x = _by_image(grad_x)
        if ctx.needs_input_grad[1]:
            rows, grad_weight = _rows(_by_pixel(x)), torch.zeros_like(weight)
            for (row, column), here, there in blocks:
                grad_weight[:, :, row, column].addmm_(out[here].t(), rows[there])
        return grad_x, grad_weight, None, None


def _suits(x: Tensor, weight: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and len(x) * weight.shape[0] * weight.shape[1] >= _LEAST
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def _output_shape(
    image: torch.Size, kernel: torch.Size, stride: _Pair, padding: _Pair
) -> _Pair:
    height, width = (
        (image[i] + 2 * padding[i - 2] - kernel[i]) // stride[i - 2] + 1 for i in (2, 3)
    )
    return height, width


def _by_pixel(x: Tensor) -> Tensor:
    """(N, C, H, W) as (H, W, N, C), so that neighbours in a row are one matrix."""
    return x.permute(2, 3, 0, 1).contiguous()


def _by_image(x: Tensor) -> Tensor:
    """The way back, channels-last."""
    return x.permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)


def _rows(x: Tensor) -> Tensor:
    return x.view(-1, x.shape[3])


def _blocks(
    x: Tensor, weight: Tensor, stride: _Pair, padding: _Pair
) -> Iterator[tuple[_Pair, slice, slice]]:
    """Yields tap, rows of the output, and rows of the input that it multiplies."""
    images, kernel = len(x), weight.shape[2:]
    shape = _output_shape(x.shape, weight.shape, stride, padding)
    for row, column, to, at, many in _plan(
        tuple(x.shape[2:]), shape, tuple(kernel), tuple(stride), tuple(padding)
    ):
        here = slice(to * images, (to + many) * images)
        yield (row, column), here, slice(at * images, (at + many) * images)


@lru_cache(maxsize=256)
def _plan(
    size: _Pair, shape: _Pair, kernel: _Pair, stride: _Pair, padding: _Pair
) -> list[_Block]:
    """Lists which runs of pixels each tap connects; whole rows of both are one run."""
    blocks = []
    down = [
        _reach(size[0], shape[0], tap, stride[0], padding[0])
        for tap in range(kernel[0])
    ]
    across = [
        _reach(size[1], shape[1], tap, stride[1], padding[1])
        for tap in range(kernel[1])
    ]
    for row, rows in enumerate(down):
        for column, columns in enumerate(across):
            for y, top in rows:
                if stride[1] == 1 and columns:
                    runs = [(*columns[0], len(columns))]
                else:
                    runs = [(*pair, 1) for pair in columns]
                for to, at, many in runs:
                    block = (row, column, y * shape[1] + to, top * size[1] + at, many)
                    last = blocks[-1] if blocks else None
                    if last and _continues(last, block):
                        blocks[-1] = (*last[:4], last[4] + many)
                    else:
                        blocks.append(block)
    return blocks


def _reach(size: int, shape: int, tap: int, stride: int, padding: int) -> list[_Pair]:
    """Lists the pixels of a line of the output, and what a tap gives them."""
    pairs = ((to, to * stride + tap - padding) for to in range(shape))
    return [(to, at) for to, at in pairs if 0 <= at < size]


def _continues(last: _Block, block: _Block) -> bool:
    many = last[4]
    return last[:2] == block[:2] and (last[2] + many, last[3] + many) == block[2:4]

"""Views on an accelerator: whole batches, one parameter per sample."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .draws import LUMA, ORDERS, ViewDraws

_CHUNK = 64  # images cropped by one matrix product: bounds its memory


def fill_views(
    out: Tensor,
    pixels: Tensor,
    sizes: np.ndarray,
    draws: ViewDraws,
    mode: str,
    scale: Tensor,
    bias: Tensor,
) -> None:
    """Makes one view of every image.

    Args:
        out: (N, 3, S, S) float32, filled with the views times ``scale`` plus ``bias``.
        pixels: (P, 3) uint8 on the device of ``out``: all images, row by row.
        sizes: (N, 2) int64: their heights and widths.
        draws: The parameters of the views.
        mode: Interpolation, "bilinear" or "bicubic".
        scale: (3, 1, 1).
        bias: (3, 1, 1).
    """
    factors, sigma = (
        torch.from_numpy(values).float().to(out.device, non_blocking=True)
        for values in (draws.factors, draws.sigma)
    )
    crop(out, pixels, sizes, draws.boxes, draws.flip, mode)
    jitter_(out, factors, draws.order)
    apply_rows_(out, draws.grey, grey)
    apply_rows_(out, draws.sigma > 0, blur, sigma)
    apply_rows_(out, draws.solarise, solarise)
    out.mul_(scale).add_(bias)


def apply_rows_(
    x: Tensor, rows: np.ndarray, operation: Callable, *parameters: Tensor
) -> None:
    """Replaces the samples of ``x`` where ``rows`` is True.

    Args:
        x: (N, ...), changed in place.
        rows: (N,) bool.
        operation: Called as ``operation(part, *parameters of the part)``.
        *parameters: Tensors with one row per sample, on the device of ``x``.
    """
    index = torch.from_numpy(rows.nonzero()[0])
    if len(index):
        index = index.to(x.device, non_blocking=True)
        part = operation(x[index], *(values[index] for values in parameters))
        x.index_copy_(0, index, part)


def crop(
    out: Tensor,
    pixels: Tensor,
    sizes: np.ndarray,
    boxes: np.ndarray,
    flip: np.ndarray,
    mode: str,
) -> None:
    """Cuts one box out of each image, resizes it, antialiased, and flips it.

    Two matrix products a chunk; the grey levels are whole, as those of 8-bit resizing.

    Args:
        out: (N, 3, S, S) float32 to fill, in 0..255.
        pixels: (P, 3) uint8: all images, row by row.
        sizes: (N, 2) int64: their heights and widths.
        boxes: (N, 4) int64: top, left, height, width.
        flip: (N,) bool.
        mode: "bilinear" or "bicubic".
    """
    areas = sizes.prod(1)
    starts = areas.cumsum() - areas
    numbers = np.column_stack([starts, sizes[:, 1], boxes, flip])
    numbers = torch.from_numpy(numbers).to(out.device, non_blocking=True)
    for first in range(0, len(out), _CHUNK):
        part = slice(first, first + _CHUNK)
        longest = boxes[part, 2:].max(0).tolist()
        start, stride, top, left, height, width, mirror = numbers[part].unbind(1)
        # Every crop on a canvas as large as the largest: beyond a crop its edge
        # repeats, and the weights there are zero.
        y = torch.arange(longest[0], device=out.device).minimum(height[:, None] - 1)
        x = torch.arange(longest[1], device=out.device).minimum(width[:, None] - 1)
        y = start[:, None] + stride[:, None] * (top[:, None] + y)
        index = y[:, :, None] + (left[:, None] + x)[:, None]
        canvas = pixels.index_select(0, index.flatten()).view(*index.shape, 3)
        down = resize_matrix(height, longest[0], out.shape[2], mode)[:, None]
        across = resize_matrix(width, longest[1], out.shape[3], mode)
        across = torch.where(mirror.bool()[:, None, None], across.flip(1), across)
        half = canvas.permute(0, 3, 1, 2).float() @ across[:, None].mT
        half.round_().clamp_(0, 255)
        out[part] = (down @ half).round_().clamp_(0, 255)


def resize_matrix(lengths: Tensor, longest: int, size: int, mode: str) -> Tensor:
    """Returns Pillow's antialiased resize of lines of different lengths.

    Args:
        lengths: (N,) pixels of each line.
        longest: Columns of the result, at least the largest length.
        size: Pixels to resize to.
        mode: "bilinear" (triangle) or "bicubic" (Keys' cubic with a = -1/2).

    Returns:
        (N, size, longest) float32 weights; rows sum to one.
    """
    device = lengths.device
    scale = (lengths.float() / size)[:, None, None]
    centre = (torch.arange(size, device=device) + 0.5)[:, None] * scale
    column = torch.arange(longest, device=device)
    t = ((column + 0.5 - centre) / scale.clamp_min(1)).abs_()
    if mode == "bilinear":
        weights = (1 - t).clamp_min_(0)
    else:
        near = (1.5 * t - 2.5) * t * t + 1
        far = ((-0.5 * t + 2.5) * t - 4) * t + 2
        weights = torch.where(t < 1, near, torch.where(t < 2, far, 0.0))
    weights = weights * (column < lengths[:, None, None])
    return weights / weights.sum(2, keepdim=True)


def luma(x: Tensor) -> Tensor:
    """Returns the grey image (N, 1, H, W) of (N, 3, H, W)."""
    red, green, blue = x.split(1, 1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def brightness(x: Tensor, factor: Tensor) -> Tensor:
    """Scales all values; ``factor`` (N, 1, 1, 1) >= 0."""
    return (factor * x).clamp_(max=255)


def contrast(x: Tensor, factor: Tensor) -> Tensor:
    """Scales the distance to the image's mean grey; ``factor`` (N, 1, 1, 1)."""
    return torch.lerp(luma(x.mean((2, 3), keepdim=True)), x, factor).clamp_(0, 255)


def saturation(x: Tensor, factor: Tensor) -> Tensor:
    """Scales the distance to the pixel's own grey; ``factor`` (N, 1, 1, 1)."""
    return torch.lerp(luma(x), x, factor).clamp_(0, 255)


def hue(x: Tensor, turns: Tensor) -> Tensor:
    """Rotates the HSV hue by ``turns`` (N, 1, 1, 1), keeping value and chroma."""
    red, green, blue = x.split(1, 1)
    high, low = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    chroma = high - low
    # Hue in sextants times chroma, by the highest channel.
    h = torch.where(high == green, 2 * chroma + blue - red, 4 * chroma + red - green)
    h = torch.where(high == red, green - blue, h)
    # Grey pixels: 0 / tiny is hue 0, and any will do.
    h = h / chroma.clamp_min(1e-6) + 6 * turns
    # Each channel is a trapezium over the hue circle.
    ramps = [(n + h).remainder_(6) for n in (5, 3, 1)]
    ramps = torch.cat([torch.minimum(k, 4 - k).clamp_(0, 1) for k in ramps], 1)
    return high - chroma * ramps


_JITTER = (brightness, contrast, saturation, hue)


def jitter_(x: Tensor, factors: Tensor, order: np.ndarray) -> None:
    """Applies the four operations to each sample in its own order, in place.

    Args:
        x: (N, 3, H, W) in 0..255.
        factors: (N, 4) on the device of ``x``: brightness, contrast, saturation
            factor, hue turns.
        order: (N,) int64: index into ``ORDERS``, or -1 for no change.
    """
    columns = factors[:, :, None, None, None].unbind(1)
    steps = np.array([*ORDERS, (-1,) * 4])[order]  # order -1 takes the last row
    for position in steps.T:
        for number, operation in enumerate(_JITTER):
            apply_rows_(x, position == number, operation, columns[number])


def grey(x: Tensor) -> Tensor:
    """Drops the colours."""
    return luma(x).expand_as(x)


def solarise(x: Tensor) -> Tensor:
    """Inverts values of 128 and above."""
    return torch.where(x >= 128, 255 - x, x)


def blur(x: Tensor, sigma: Tensor) -> Tensor:
    """Blurs (N, C, H, W) with ``sigma`` (N,) pixels, by two matrix products.

    The kernel reaches to 3 sigma; beyond the border the edge pixel repeats.
    """
    reach = torch.ceil(3 * sigma)[:, None]
    most = int(reach.max())
    offsets = torch.arange(-most, most + 1, device=x.device)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None]) ** 2)
    taps.masked_fill_(offsets.abs() > reach, 0)
    taps /= taps.sum(1, keepdim=True)
    down, across = (_blur_matrix(taps, offsets, size) for size in x.shape[2:])
    return down @ x @ across.mT


def _blur_matrix(taps: Tensor, offsets: Tensor, size: int) -> Tensor:
    """Returns the blur of a line of ``size`` pixels as (N, 1, size, size)."""
    rows = torch.arange(size, device=taps.device)
    columns = (rows[:, None] + offsets).clamp_(0, size - 1)
    shape = (len(taps), size, len(offsets))
    matrix = taps.new_zeros(len(taps), size, size)
    matrix.scatter_add_(2, columns.expand(shape), taps[:, None].expand(shape))
    return matrix[:, None]

"""Crops of a batch on an accelerator: resized by matrix products, many at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .draws import ViewDraws

#: Pixels of the crops that are resized at once; each takes about 30 bytes meanwhile.
CANVAS_PIXELS = 2**24


@dataclass(frozen=True)
class CropPlan:
    """What the host knows of the crops of a batch.

    Attributes:
        arrays: What the device needs to know.
        parts: Crops that are resized together, the largest first: first and last
            sample, and height and width of the largest.
        taps: Most pixels that one pixel of a view is made of, along a line.
        cubic: For each sample, whether it is resized with the cubic.
        short: Some line has fewer pixels than taps.
    """

    arrays: dict[str, np.ndarray]
    parts: list[tuple[int, int, int, int]]
    taps: int
    cubic: np.ndarray
    short: bool


def plan_crops(
    sizes: np.ndarray,
    starts: np.ndarray,
    end: int,
    draws: ViewDraws,
    cubic: np.ndarray,
    size: int,
) -> CropPlan:
    """Prepares `crop`.

    Args:
        sizes: (N, 2) int64: height and width of each image.
        starts: (N,) int64: where in the block its pixels begin.
        end: Pixels of the block.
        draws: Boxes and flips of N samples.
        cubic: (N,) bool: cubic, or else linear interpolation.
        size: Side of the views.
    """
    order = np.argsort(-draws.boxes[:, 2:].prod(1), kind="stable")
    boxes, stride, cubic = draws.boxes[order], sizes[order, 1], cubic[order]
    corner = starts[order] + boxes[:, 0] * stride + boxes[:, 1]
    last = corner + (boxes[:, 2] - 1) * stride
    parts = list(_parts(boxes[:, 2:]))
    # Of each crop's rows as many pixels are read as the widest one has: what lies
    # beyond it weighs nothing. At the end of the block they begin that much earlier.
    widest = np.concatenate([np.full(b - a, width) for a, b, _, width in parts])
    shift = np.maximum(0, last + widest - end)
    length = boxes[:, 2:].T.astype(np.float64)  # (2, N): of columns, of rows
    scale = length / size
    stretch = np.maximum(scale, 1)
    support = np.where(cubic, 2.0, 1.0) * stretch
    taps = int(np.ceil(2 * support.max())) + 1
    sign = np.stack([np.ones(len(order)), np.where(draws.flip[order], -1.0, 1.0)])
    origin = np.where(sign > 0, 0.5, size - 0.5)
    arrays = {
        "place": order,
        "corner": 3 * (corner - shift)[:, None],
        "stride": 3 * stride[:, None],
        "last_row": boxes[:, 2:3] - 1,
        "row": np.arange(boxes[:, 2].max()),
        "pixel": np.arange(size, dtype=np.float32),
        "tap": np.arange(taps, dtype=np.float32),
        # Lines, (2, N): those down first, then those across.
        "centre": origin * scale - 0.5,
        "step": sign * scale,
        "before": support - 1,
        "limit": np.maximum(length - taps, 0),
        "inverse": 1 / stretch,
        "length": length,
        "shift": np.stack([np.zeros(len(order)), shift]),
        "cubic": np.stack([cubic, cubic]),
    }
    for name, array in arrays.items():
        if array.dtype == np.float64:
            arrays[name] = array.astype(np.float32)
    return CropPlan(arrays, parts, taps, cubic, bool(length.min() < taps))


def _parts(shapes: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """Cuts crops, the largest first, where a canvas each would take too much memory."""
    first, height, width = 0, 0, 0
    for number, (h, w) in enumerate(shapes.tolist()):
        taller, wider = max(height, h), max(width, w)
        if number > first and (number + 1 - first) * taller * wider > CANVAS_PIXELS:
            yield first, number, height, width
            first, taller, wider = number, h, w
        height, width = taller, wider
    yield first, len(shapes), height, width


def crop(out: Tensor, pixels: Tensor, plan: CropPlan, sent: dict[str, Tensor]) -> None:
    """Cuts a box out of each image, resizes it, antialiased, and flips it.

    Two matrix products, across and then down; the grey levels are whole after each, as
    those of 8-bit resizing.

    Args:
        out: (N, 3, S, S) float32 to fill, in 0..255.
        pixels: (P, 3) uint8: all images, row by row.
        plan: Of the N crops.
        sent: Its arrays, on the device of ``out``.
    """
    size = out.shape[3]
    index, weights = line_weights(plan, sent)
    block = pixels.view(-1)
    for first, last, height, width in plan.parts:
        part = slice(first, last)
        # An index a row, for rows lie in one piece; beyond a crop its last one repeats.
        rows = torch.minimum(sent["row"][:height], sent["last_row"][part])
        rows = torch.addcmul(sent["corner"][part], sent["stride"][part], rows)
        bytes_a_row = 3 * width
        pieces = block.as_strided((len(block) - bytes_a_row + 1, bytes_a_row), (1, 1))
        canvas = pieces.index_select(0, rows.view(-1))
        canvas = canvas.view(-1, height, width, 3).permute(0, 1, 3, 2)
        canvas = canvas.to(torch.float32, memory_format=torch.contiguous_format)
        down, across = (
            _matrix(index[axis, part], weights[axis, part], length + plan.taps)
            for axis, length in enumerate((height, width))
        )
        count = last - first
        half = canvas.view(count, -1, width) @ across[:, :, :width].mT
        _whole_levels_(half, plan.cubic[part])
        view = down[:, :, :height] @ half.view(count, height, -1)
        _whole_levels_(view, plan.cubic[part])
        view = view.view(count, size, 3, size).permute(0, 2, 1, 3)
        out.index_copy_(0, sent["place"][part], view)


def line_weights(plan: CropPlan, sent: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Returns Pillow's antialiased resize of lines of different lengths.

    Args:
        plan: Of N crops.
        sent: Its arrays, on any device.

    Returns:
        Columns (2, N, S, T) int64 and float32 weights, which sum to one over T: what
        each pixel of a view is made of, down and across. The columns of a pixel differ.
    """
    lines = {name: sent[name][:, :, None] for name in _LINES}
    centre = torch.addcmul(lines["centre"], lines["step"], sent["pixel"])
    first = (centre - lines["before"]).floor_().clamp_min_(0)
    first = torch.minimum(first, lines["limit"])
    column = first[..., None] + sent["tap"]
    t = (column - centre[..., None]).mul_(lines["inverse"][..., None]).abs_()
    if plan.cubic.all():
        weights = _cubic(t)
    elif plan.cubic.any():
        weights = torch.where(lines["cubic"][..., None], _cubic(t), _linear(t))
    else:
        weights = _linear(t)
    if plan.short:
        weights *= column < lines["length"][..., None]
    weights /= weights.sum(3, keepdim=True)
    return column.add_(lines["shift"][..., None]).long(), weights


_LINES = ("centre", "step", "before", "limit", "inverse", "length", "shift", "cubic")


def _linear(t: Tensor) -> Tensor:
    return torch.rsub(t, 1).clamp_min_(0)


def _cubic(t: Tensor) -> Tensor:
    """Keys' cubic with a = -1/2."""
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, 0.0))


def _matrix(index: Tensor, weights: Tensor, columns: int) -> Tensor:
    matrix = weights.new_zeros(*weights.shape[:2], columns)
    return matrix.scatter_(2, index, weights)


def _whole_levels_(x: Tensor, cubic: np.ndarray) -> None:
    x.round_()
    if cubic.any():  # a mean never leaves the range
        x.clamp_(0, 255)

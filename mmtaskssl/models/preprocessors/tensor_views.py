"""Views on an accelerator: whole batches, a constant number of operations."""

from collections.abc import Iterator, Sequence
from dataclasses import fields

import numpy as np
import torch
from torch import Tensor

from mmtaskssl.utils.copies import send

from .draws import ViewDraws
from .tensor_colours import ColourPlan, blur_, colour_, plan_colours, solarise_
from .tensor_crops import CropPlan, crop, plan_crops

#: Pixels of the views that are made at once; each takes about 50 bytes meanwhile.
VIEW_PIXELS = 2**24


def fill_views(
    out: Tensor,
    pixels: Tensor,
    sizes: np.ndarray,
    draws: Sequence[ViewDraws],
    modes: Sequence[str],
    scale: Tensor,
    bias: Tensor,
) -> None:
    """Makes all views of every image.

    The host decides everything that depends on the draws, sends it in one copy, and
    waits for nothing.

    Args:
        out: (V * N, 3, S, S) float32, filled with the views times ``scale`` plus
            ``bias``: the first view of all images, then the second.
        pixels: (P, 3) uint8 on the device of ``out``: all images, row by row.
        sizes: (N, 2) int64: their heights and widths.
        draws: The parameters of V views.
        modes: Their interpolation, "bilinear" or "bicubic".
        scale: (3, 1, 1).
        bias: (3, 1, 1).
    """
    areas = sizes.prod(1)
    starts, repeats = areas.cumsum() - areas, len(draws)
    cubic = np.repeat([mode == "bicubic" for mode in modes], len(sizes))
    every = _joined(draws)
    image = np.tile(np.arange(len(sizes)), repeats)
    plans: list[tuple[slice, ColourPlan, CropPlan]] = []
    for part in _chunks(len(image), out.shape[2] * out.shape[3]):
        colours = plan_colours(_rows(every, part))
        rows = np.arange(len(image))[part][colours.order]
        images = image[rows]
        crops = plan_crops(
            sizes[images],
            starts[images],
            len(pixels),
            _rows(every, rows),
            cubic[rows],
            out.shape[3],
        )
        plans.append((part, colours, crops))
    sent = _send(
        [{**colours.arrays, **c.arrays} for _, colours, c in plans], out.device
    )
    for (part, colours, crops), arrays in zip(plans, sent, strict=True):
        x = torch.empty_like(out[part])
        crop(x, pixels, crops, arrays)
        colour_(x, colours, arrays)
        blur_(x, arrays)
        solarise_(x, arrays)
        torch.addcmul(bias, x, scale, out=x)
        out[part].index_copy_(0, arrays["order"], x)


def _chunks(count: int, area: int) -> Iterator[slice]:
    most = max(1, VIEW_PIXELS // area)
    for first in range(0, count, most):
        yield slice(first, min(first + most, count))


def _joined(draws: Sequence[ViewDraws]) -> ViewDraws:
    return ViewDraws(
        **{
            field.name: np.concatenate([getattr(draw, field.name) for draw in draws])
            for field in fields(ViewDraws)
        }
    )


def _rows(draws: ViewDraws, rows: slice | np.ndarray) -> ViewDraws:
    return ViewDraws(**{name: values[rows] for name, values in vars(draws).items()})


def _send(
    arrays: list[dict[str, np.ndarray]], device: torch.device
) -> list[dict[str, Tensor]]:
    """Sends several sets of arrays in one copy."""
    flat = {(i, n): a for i, part in enumerate(arrays) for n, a in part.items()}
    sent = send(flat, device)
    return [{n: sent[i, n] for n in part} for i, part in enumerate(arrays)]

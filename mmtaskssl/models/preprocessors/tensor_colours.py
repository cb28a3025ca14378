"""Colours and blur of a batch on an accelerator, each step for many samples at once."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .draws import LUMA, ORDERS, ViewDraws

_HUE = 3
_NUM_OTHERS = 3  # brightness, contrast and saturation
# Differences of the two channels behind each one: hue is made of them.
_BEHIND = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]], np.float32)
# Where the hue circle of 6 sextants begins for each channel.
_PHASE = np.array([0, 4, 2], np.float32)


@dataclass(frozen=True)
class ColourPlan:
    """What the host knows of the colours of a batch.

    Attributes:
        order: Samples by their number of operations before hue, falling; those without
            jitter last. All else is in this order.
        jittered: Number of samples with jitter.
        steps: Operations before hue, and those behind it: first and last sample, and
            whether some of them change the contrast.
        arrays: What the device needs to know.
    """

    order: np.ndarray
    jittered: int
    steps: tuple[list[tuple[int, int, bool]], list[tuple[int, int, bool]]]
    arrays: dict[str, np.ndarray] = field(repr=False)


def plan_colours(draws: ViewDraws) -> ColourPlan:
    """Prepares `colour_` and `blur_`.

    Brightness, contrast and saturation are matrices of a sample's channels and may so
    be one step for all of them, whichever is whose; hue is another. Sorted by how many
    operations come before hue, the samples of each step lie side by side.

    Args:
        draws: Of N samples.
    """
    steps = np.array([*ORDERS, (-1,) * 4])[draws.order]  # order -1 takes the last row
    before = np.where(draws.order < 0, -1, (steps == _HUE).argmax(1))
    order = np.argsort(-before, kind="stable")
    steps, before, factors = steps[order], before[order], draws.factors[order]
    jittered = int((before >= 0).sum())
    arrays = {
        "turns": (_PHASE + 6 * factors[:jittered, _HUE:])[:, :, None, None],
        "behind": _BEHIND,
        "luma": np.array([LUMA]),
        "grey": draws.grey[order].nonzero()[0],
        "solarise": draws.solarise[order].nonzero()[0],
        "blur": (draws.sigma[order] > 0).nonzero()[0],
        "taps": _taps(draws.sigma[order]),
        "order": order,
    }
    planned: tuple[list, list] = ([], [])
    for behind, list_ in enumerate(planned):
        for number in range(_NUM_OTHERS):
            if behind:
                part = slice(int((before > _NUM_OTHERS - 1 - number).sum()), jittered)
                column = before[part] + 1 + number
            else:
                part = slice(0, int((before > number).sum()))
                column = np.full(part.stop, number)
            if part.start == part.stop:
                continue
            kind = np.take_along_axis(steps[part], column[:, None], 1)[:, 0]
            factor = np.take_along_axis(factors[part], kind[:, None], 1)
            name = f"{behind}{len(list_)}"
            arrays[f"matrix{name}"], arrays[f"mean{name}"] = _matrices(kind, factor)
            list_.append((part.start, part.stop, bool((kind == 1).any())))
    for name, array in arrays.items():
        if array.dtype == np.float64:
            arrays[name] = array.astype(np.float32)
    return ColourPlan(order, jittered, planned, arrays)


def _matrices(kind: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a pixel's and what the mean pixel's channels are multiplied by."""
    factor = factor[:, :, None]
    kind = kind[:, None, None]
    grey = (1 - factor) * np.tile(LUMA, (3, 1))
    matrix = factor * np.eye(3) + (kind == 2) * grey
    return matrix, (kind == 1) * grey


def colour_(x: Tensor, plan: ColourPlan, sent: dict[str, Tensor]) -> None:
    """Applies jitter and grey to each sample, in place.

    Args:
        x: (N, 3, H, W) contiguous, in 0..255, in the plan's order.
        plan: Of the N samples.
        sent: Its arrays, on the device of ``x``.
    """
    pixels = x.flatten(2)
    for behind, steps in enumerate(plan.steps):
        if behind and plan.jittered:
            hue_(x[: plan.jittered], sent["turns"], sent["behind"])
        for number, (first, last, contrast) in enumerate(steps):
            part, name = pixels[first:last], f"{behind}{number}"
            if contrast:
                offset = sent[f"mean{name}"] @ part.mean(2, keepdim=True)
                y = torch.baddbmm(offset, sent[f"matrix{name}"], part)
            else:
                y = torch.bmm(sent[f"matrix{name}"], part)
            torch.clamp(y, 0, 255, out=part)
    if len(rows := sent["grey"]):
        part = pixels.index_select(0, rows)
        grey = torch.bmm(sent["luma"].expand(len(rows), 1, 3), part)
        pixels.index_copy_(0, rows, grey.expand_as(part))


def hue_(x: Tensor, turns: Tensor, behind: Tensor) -> None:
    """Rotates the HSV hue, keeping value and chroma, in place.

    Args:
        x: (N, 3, H, W) contiguous.
        turns: (N, 3, 1, 1): of each sample in sextants, plus each channel's place on
            the hue circle.
        behind: (3, 3), differences of the channels behind each.
    """
    count = len(x)
    high, channel = x.max(1, keepdim=True)
    low = x.amin(1, keepdim=True)
    chroma = high.sub_(low)
    h = torch.bmm(behind.expand(count, 3, 3), x.flatten(2)).view_as(x)
    # Grey pixels: 0 / tiny, and any hue will do.
    h = h.gather(1, channel).div_(chroma.clamp_min(1e-6)).add_(channel, alpha=2)
    # Each channel is a trapezium over the hue circle, around its own place 3.
    ramps = (h + turns).remainder_(6).sub_(3).abs_().sub_(1).clamp_(0, 1)
    torch.addcmul(low, chroma, ramps, out=x)


def blur_(x: Tensor, sent: dict[str, Tensor]) -> None:
    """Blurs some samples, in place, by one grouped convolution an axis.

    A kernel reaches to 3 sigma; beyond the border the edge pixel repeats.

    Args:
        x: (N, 3, H, W) contiguous, in the plan's order.
        sent: The plan's arrays, on the device of ``x``.
    """
    rows, taps = sent["blur"], sent["taps"]
    if not len(rows):
        return
    part = x.index_select(0, rows)
    groups, reach = 3 * len(rows), taps.shape[2] // 2
    y = part.view(1, groups, *x.shape[2:])
    y = functional.pad(y, (reach,) * 4, mode="replicate")
    y = functional.conv2d(y, taps[..., None], groups=groups)
    y = functional.conv2d(y, taps[:, :, None], groups=groups)
    x.index_copy_(0, rows, y.view_as(part))


def _taps(sigma: np.ndarray) -> np.ndarray:
    """Returns (3 B, 1, T): the kernel of each channel of the B blurred samples."""
    sigma = sigma[sigma > 0][:, None]
    reach = np.ceil(3 * sigma)
    most = int(reach.max(initial=0))
    offsets = np.arange(-most, most + 1)
    taps = np.exp(-0.5 * (offsets / sigma) ** 2) * (np.abs(offsets) <= reach)
    taps /= taps.sum(1, keepdims=True)
    return taps.repeat(3, 0)[:, None]


def solarise_(x: Tensor, sent: dict[str, Tensor]) -> None:
    """Inverts values of 128 and above of some samples, in place.

    Args:
        x: (N, 3, H, W), in the plan's order.
        sent: The plan's arrays, on the device of ``x``.
    """
    if len(rows := sent["solarise"]):
        part = x.index_select(0, rows)
        x.index_copy_(0, rows, torch.where(part >= 128, 255 - part, part))

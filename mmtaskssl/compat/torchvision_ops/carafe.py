"""CARAFE (Wang et al., ICCV 2019): each new cell is a weighted sum of old ones.

The kernel of a cell of the result is of the old cells around the one that it lies in,
its weights are the cell's own, and channels of a group share them.
"""

from collections.abc import Iterator

import torch.nn.functional as F
from torch import Tensor

from .precision import computable


def carafe_forward(
    features: Tensor,
    masks: Tensor,
    rfeatures: Tensor,
    routput: Tensor,
    rmasks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the larger map to ``output``.

    Args:
        features: (N, C, H, W).
        masks: (N, group_size * kernel_size^2, s * H, s * W), weights of the old cells,
            row by row.
        rfeatures: (N, C, H, W), out: the features, for the gradient.
        routput: Not used.
        rmasks: Not used.
        output: (N, C, s * H, s * W), out.
        kernel_size: Old cells along a side.
        group_size: Groups of channels.
        scale_factor: s, new cells along a side of an old one.
    """
    rfeatures.copy_(features)
    carafe_naive_forward(features, masks, output, kernel_size, group_size, scale_factor)


def carafe_backward(
    grad_output: Tensor,
    rfeatures: Tensor,
    masks: Tensor,
    rgrad_output: Tensor,
    rgrad_input_hs: Tensor,
    rgrad_input: Tensor,
    rgrad_masks: Tensor,
    grad_input: Tensor,
    grad_masks: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Adds the gradients of `carafe_forward` by features and masks.

    Args as there; ``grad_input`` and ``grad_masks`` are out, what begins with ``rgrad``
    is not used.
    """
    carafe_naive_backward(
        grad_output,
        rfeatures,
        masks,
        grad_input,
        grad_masks,
        kernel_size,
        group_size,
        scale_factor,
    )


def carafe_naive_forward(
    features: Tensor,
    masks: Tensor,
    output: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Writes the larger map to ``output``; args as in `carafe_forward`."""
    x, weights = computable(features), computable(masks)
    padded = F.pad(x, [kernel_size // 2] * 4)
    weights = _by_old_cell(weights, group_size, scale_factor)
    total = x.new_zeros(_by_old_cell(output, group_size, scale_factor).shape)
    for tap, y, left in _taps(kernel_size):
        seen = _seen(padded, x, y, left, group_size)
        total.addcmul_(seen, weights[:, :, tap, None])
    output.copy_(total.view(output.shape))


def carafe_naive_backward(
    grad_output: Tensor,
    features: Tensor,
    masks: Tensor,
    grad_input: Tensor,
    grad_masks: Tensor,
    kernel_size: int,
    group_size: int,
    scale_factor: int,
) -> None:
    """Adds the gradients by features and masks; args as in `carafe_backward`."""
    x, weights = computable(features), computable(masks)
    pad = kernel_size // 2
    padded = F.pad(x, [pad] * 4)
    grad = _by_old_cell(computable(grad_output), group_size, scale_factor)
    weights = _by_old_cell(weights, group_size, scale_factor)
    grad_padded, grad_weights = (
        padded.new_zeros(padded.shape),
        weights.new_zeros(weights.shape),
    )
    for tap, y, left in _taps(kernel_size):
        seen = _seen(padded, x, y, left, group_size)
        grad_weights[:, :, tap] = (grad * seen).sum(dim=2)
        back = (grad * weights[:, :, tap, None]).sum(dim=(4, 6))
        place = grad_padded[..., y : y + x.shape[2], left : left + x.shape[3]]
        place += back.flatten(1, 2)
    inner = slice(pad, -pad or None)
    grad_input += grad_padded[..., inner, inner]
    grad_masks += grad_weights.view(grad_masks.shape)


def _taps(kernel_size: int) -> Iterator[tuple[int, int, int]]:
    """Yields the number of each cell of a kernel, its row and its column."""
    for tap in range(kernel_size**2):
        yield tap, tap // kernel_size, tap % kernel_size


def _by_old_cell(x: Tensor, groups: int, scale: int) -> Tensor:
    """Returns (N, G * K, s * H, s * W) as (N, G, K, H, s, W, s)."""
    return (
        x.unflatten(3, (-1, scale)).unflatten(2, (-1, scale)).unflatten(1, (groups, -1))
    )


def _seen(padded: Tensor, x: Tensor, top: int, left: int, groups: int) -> Tensor:
    """Returns one neighbour of each old cell, (N, G, C / G, H, 1, W, 1)."""
    part = padded[..., top : top + x.shape[2], left : left + x.shape[3]]
    return part.unflatten(1, (groups, -1))[:, :, :, :, None, :, None]

"""Which channels of a dense tensor run, and how to take them."""

from collections.abc import Iterable

import torch
from torch import Tensor

Channels = int | tuple[tuple[int, int], ...]
"""Active channels: the first n, or ascending ``[start, stop)`` ranges."""


def make_channels(ranges: Iterable[tuple[int, int]]) -> Channels:
    """Merges ranges that touch; a single range from 0 becomes a prefix.

    Args:
        ranges: Ascending, disjoint ``[start, stop)`` pairs.

    Raises:
        ValueError: The ranges are empty, overlap or descend.
    """
    merged: list[tuple[int, int]] = []
    for start, stop in ranges:
        if start >= stop or (merged and start < merged[-1][1]):
            raise ValueError(f"channel ranges must ascend, not {(start, stop)}")
        if merged and start == merged[-1][1]:
            merged[-1] = (merged[-1][0], stop)
        else:
            merged.append((start, stop))
    if not merged:
        raise ValueError("no channels are active")
    if len(merged) == 1 and merged[0][0] == 0:
        return merged[0][1]
    return tuple(merged)


def num_channels(channels: Channels) -> int:
    """Returns how many channels are active."""
    if isinstance(channels, int):
        return channels
    return sum(stop - start for start, stop in channels)


def channel_indices(channels: Channels) -> list[int]:
    """Returns the active channels, one by one."""
    ranges = ((0, channels),) if isinstance(channels, int) else channels
    return [index for bounds in ranges for index in range(*bounds)]


def take(tensor: Tensor, dim: int, channels: Channels | None) -> Tensor:
    """Returns the active channels of ``tensor`` along ``dim``.

    All channels return the tensor itself, so that a full-width operation sees the
    very parameter; one range is a view; several are concatenated. All are
    differentiable, and the gradient outside of the ranges is zero.

    Args:
        tensor: Any tensor whose ``dim`` holds channels.
        dim: The dimension to slice.
        channels: The active channels; None means all.

    Raises:
        ValueError: More channels are asked for than there are.
    """
    size = tensor.shape[dim]
    if channels is None or channels == size:
        return tensor
    if isinstance(channels, int):
        if not 0 < channels < size:
            raise ValueError(f"{channels} channels asked of a tensor with {size}")
        return tensor.narrow(dim, 0, channels)
    if channels[-1][1] > size:
        raise ValueError(f"channels {channels} asked of a tensor with {size}")
    parts = [tensor.narrow(dim, start, stop - start) for start, stop in channels]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)

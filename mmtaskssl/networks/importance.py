"""A plain ResNet with its channels in another order, which computes the same."""

from collections.abc import Mapping

import torch
from torch import Tensor


def by_importance(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Sorts a ResNet's channels, those with the largest batch-norm scales first.

    The scale of a batch norm as a measure of its channel: Network Slimming (Liu et al.,
    arXiv 1708.06519, section 3). Channels that are added to each other (the stream of
    a stage) keep one order; their measure is the sum over its norms, each divided by
    its mean. The network computes the same, but for rounding.

    Args:
        state: By torchvision's names.
    """
    state = dict(state)
    last = "conv3" if "layer1.0.conv3.weight" in state else "conv2"
    stream, written = ["conv1"], []
    blocks = sorted(
        {tuple(key.split(".")[:2]) for key in state if key.startswith("layer")},
        key=lambda block: (block[0], int(block[1])),
    )
    readers: list[str] = []
    for layer, number in blocks:
        block = f"{layer}.{number}"
        for conv, following in (("conv1", "conv2"), ("conv2", "conv3")):
            if conv != last:
                _sort(state, [f"{block}.{conv}"], [f"{block}.{following}"])
        readers.append(f"{block}.conv1")
        if f"{block}.downsample.0.weight" in state:  # a new stream begins
            readers.append(f"{block}.downsample.0")
            written.append((stream, readers))
            stream, readers = [f"{block}.downsample.0"], []
        stream.append(f"{block}.{last}")
    # The last stream is what the network returns: its order is free, too.
    written.append((stream, readers))
    for writers, reading in written:
        _sort(state, writers, reading)
    return state


def _sort(state: dict[str, Tensor], writers: list[str], readers: list[str]) -> None:
    scales = [state[f"{_norm_of(conv)}.weight"].abs().float() for conv in writers]
    measure = torch.stack([s / s.mean().clamp_min(1e-12) for s in scales]).sum(0)
    order = measure.argsort(descending=True, stable=True)
    for conv in writers:
        for name in (conv, _norm_of(conv)):
            for key in [
                k for k in state if k.startswith(f"{name}.") and state[k].dim()
            ]:
                state[key] = state[key][order]
    for conv in readers:
        state[f"{conv}.weight"] = state[f"{conv}.weight"][:, order]


def _norm_of(conv: str) -> str:
    if conv.endswith("downsample.0"):
        return f"{conv[:-1]}1"
    head, _, number = conv.rpartition("conv")
    return f"{head}bn{number}"

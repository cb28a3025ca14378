"""Synchronised batch norm for which the host does not wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn


class WaitFreeSyncBatchNorm(nn.SyncBatchNorm):
    """`torch.nn.SyncBatchNorm`, but for a wait of the host in each forward.

    PyTorch's drops the processes that had no image, by a mask whose number of entries
    the host must know, once a layer and pass: hundreds of waits a step. It leaves that
    out where it is being captured into a CUDA graph, which is what this layer claims.
    No process of a training step is without images, so the results are equal, bit for
    bit. Not for evaluation of ragged shares, where PyTorch's own runs no sums anyway.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalises ``x`` (N, C, ...) over all processes."""
        if not self.training or not x.numel() or torch.compiler.is_compiling():
            return super().forward(x)
        with _no_mask():
            return super().forward(x)


@contextmanager
def _no_mask() -> Iterator[None]:
    with (
        mock.patch.object(torch.cuda, "is_available", _true),
        mock.patch.object(torch.cuda, "is_current_stream_capturing", _true),
    ):
        yield


def _true() -> bool:
    return True


def without_waiting(module: nn.Module) -> int:
    """Lets the synchronised batch norms of a network run without waiting, in place.

    Args:
        module: May be wrapped; weights, statistics and names stay.

    Returns:
        How many.
    """
    layers = [m for m in module.modules() if type(m) is nn.SyncBatchNorm]
    for layer in layers:
        layer.__class__ = WaitFreeSyncBatchNorm
    return len(layers)

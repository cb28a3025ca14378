"""Means over the images of all processes, with their gradients."""

import torch
import torch.distributed as dist
from mmengine.dist import get_world_size
from torch import Tensor


class _Mean(torch.autograd.Function):
    """Mean of a tensor over processes.

    DDP divides the sum of the processes' gradients by their number, as this mean does
    with what they hold: handing the gradient on unchanged is exact for a loss that all
    processes compute alike.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        x = x.clone()
        dist.all_reduce(x)
        return x / get_world_size()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient


def mean_over_processes(x: Tensor) -> Tensor:
    """Returns the mean over processes of a tensor that each has.

    Args:
        x: Of the same shape in each; with a gradient or without.
    """
    return x if get_world_size() == 1 else _Mean.apply(x)

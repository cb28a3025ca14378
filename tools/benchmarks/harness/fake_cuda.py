"""Steps on CUDA tensors that are not there: shapes, types and devices, no values.

`FakeTensorMode` runs forwards, averages, queues and optimizers on them. Autograd's
engine asks for a CUDA runtime as soon as a gradient flows, so a backward pass is
replaced by its outcome: each weight of the graph gets a gradient, and the graph is let
go. Launches and memory of the backward pass itself are those of a CPU step or of fake
CPU tensors (`fake_cuda(device="cpu")`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    FakeTensor,
    FakeTensorMode,
    unset_fake_temporarily,
)

from mmtaskssl.models.algorithms.shuffle import draw_order


@contextmanager
def fake_cuda(device: str = "cuda") -> Iterator[FakeTensorMode]:
    """Lets tensors claim to lie on ``device``.

    Within it autocast and mmengine believe in a GPU with bfloat16, mmengine takes it as
    its device and NCCL as the backend of collectives, and `Tensor.backward` on CUDA
    fills in gradients without computing them.

    Args:
        device: "cuda", or "cpu", whose backward passes run through autograd.

    Yields:
        The mode; see `mmtaskssl.engine.fake_tensors.to_fake`.
    """
    with ExitStack() as stack:
        if device == "cuda":
            for target, value in _CLAIMS.items():
                stack.enter_context(mock.patch(target, value))
        yield stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))


def fake_like(
    shape: Sequence[int], dtype: torch.dtype = torch.float32, device: str = "cuda"
) -> Tensor:
    """Returns a fake tensor; to be called within `fake_cuda`."""
    return torch.empty(tuple(shape), dtype=dtype, device=device)


def leaves_of(tensor: Tensor) -> list[Tensor]:
    """Returns the weights that a backward pass from ``tensor`` would reach."""
    found: dict[int, Tensor] = {}
    seen, stack = set(), [tensor.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        stack += [following for following, _ in node.next_functions]
    return list(found.values())


_backward = Tensor.backward


def _outcome_of_backward(tensor: Tensor, *args, **kwargs) -> None:
    if not (isinstance(tensor, FakeTensor) and tensor.fake_device.type == "cuda"):
        _backward(tensor, *args, **kwargs)
        return
    with torch.no_grad():
        for leaf in leaves_of(tensor):
            if leaf.grad is None:
                leaf.grad = torch.empty_like(leaf)
            else:
                leaf.grad.add_(torch.empty_like(leaf))


def _always(value) -> Callable:
    return lambda *args, **kwargs: value


def _real(function: Callable) -> Callable:
    def call(*args, **kwargs):
        with unset_fake_temporarily():
            return function(*args, **kwargs)

    return call


_CLAIMS = {
    "torch.cuda.is_bf16_supported": _always(True),
    "torch.cuda.amp.common.amp_definitely_not_available": _always(False),
    "torch.cuda.current_device": _always(0),
    "torch.Tensor.backward": _outcome_of_backward,
    "mmengine.runner.amp.get_device": _always("cuda"),
    "mmengine.dist.utils.get_backend": _always("nccl"),
    # Numbers of the host decide who sends what.
    "mmtaskssl.models.algorithms.shuffle.draw_order": _real(draw_order),
}

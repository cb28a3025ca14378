"""Activation checkpointing that leaves running statistics alone."""

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


@contextlib.contextmanager
def _restored_buffers(module: nn.Module):
    """Puts the buffers back to what they were: a replayed forward counts once."""
    saved = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in saved:
                buffer.copy_(value)


def checkpointed(module: nn.Module, function: Callable, *args) -> Tensor:
    """Runs ``function(*args)``, keeping its inputs instead of its activations.

    Args:
        module: Whose buffers ``function`` may update; they are updated once, not again
            by the replay in the backward pass.
        function: Computes with the parameters of ``module``.
        *args: Its arguments.
    """
    return checkpoint(
        function,
        *args,
        use_reentrant=False,
        context_fn=lambda: (contextlib.nullcontext(), _restored_buffers(module)),
    )

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from mmtaskssl.registry import OPTIMIZERS

from .safe_base import SafeOptimizer


@OPTIMIZERS.register_module()
class SafeLARS(SafeOptimizer):
    """LARS in which weights without a gradient rest; see `SafeOptimizer`.

    You, Gitman and Ginsburg, *Large Batch Training of Convolutional Networks*, arXiv
    1708.03888, algorithm 1. The layer's rate compares the norms of its *active*
    weights and of their gradient, so a slice moves as it would as a layer of its own.
    Differs from the LARS of mmselfsup in nothing else: its results are the same where
    no gradient is zero, its parameter groups know the same ``lars_exclude=True`` (no
    layer-wise rate, for biases and norms), but it does not wait for the device twice
    a parameter.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        eta: The trust coefficient.
        eps: Keeps the rate finite.
        lars_exclude: True switches the layer-wise rate off.
        **kwargs: Those of `SafeOptimizer`.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        *,
        eta: float = 0.001,
        eps: float = 1e-8,
        lars_exclude: bool = False,
        **kwargs,
    ) -> None:
        own = {"eta": eta, "eps": eps, "lars_exclude": lars_exclude}
        super().__init__(params, lr, own=own, **kwargs)

    def direction(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> tuple[list[Tensor], float]:
        """See `SafeOptimizer.direction`."""
        decay = group["weight_decay"]
        step = torch._foreach_add(grads, params, alpha=decay)
        if group["lars_exclude"]:
            torch._foreach_mul_(step, group["lr"])
            return step, 1.0
        weight = torch.stack(torch._foreach_norm(params))
        grad = torch.stack(torch._foreach_norm(grads))
        rate = group["eta"] * weight / (grad + decay * weight + group["eps"])
        rate = rate.where((weight > 0) & (grad > 0), 1.0) * group["lr"]
        torch._foreach_mul_(step, list(rate.unbind()))
        return step, 1.0

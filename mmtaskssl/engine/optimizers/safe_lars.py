from collections.abc import Iterable

import torch

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
        momentum: Share of the old step in the new one.
        weight_decay: Factor on the weights that is added to their gradient.
        eta: The trust coefficient.
        nesterov: Whether to look ahead.
        eps: Keeps the rate finite.
        lars_exclude: True switches the layer-wise rate off.
        move_inactive: True gives the stock behaviour: decay and momentum also move
            weights whose gradient is zero.

    Raises:
        UserError: A number is negative, or Nesterov's momentum has no momentum.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        eta: float = 0.001,
        nesterov: bool = False,
        eps: float = 1e-8,
        lars_exclude: bool = False,
        move_inactive: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "eta": eta,
            "nesterov": nesterov,
            "eps": eps,
            "lars_exclude": lars_exclude,
            "move_inactive": move_inactive,
        }
        super().__init__(params, defaults)

    def direction(self, group, params, grads):
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

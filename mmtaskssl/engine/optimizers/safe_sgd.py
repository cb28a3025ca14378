from collections.abc import Iterable

import torch

from mmtaskssl.registry import OPTIMIZERS

from .safe_base import SafeOptimizer


@OPTIMIZERS.register_module()
class SafeSGD(SafeOptimizer):
    """SGD in which weights without a gradient rest; see `SafeOptimizer`.

    Differs from `torch.optim.SGD` in nothing else (no dampening). A parameter group
    may set any of the arguments, in a config by ``paramwise_cfg.custom_keys``.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        momentum: Share of the old step in the new one.
        weight_decay: Factor on the weights that is added to their gradient.
        nesterov: Whether to look ahead.
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
        nesterov: bool = False,
        move_inactive: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "move_inactive": move_inactive,
        }
        super().__init__(params, defaults)

    def direction(self, group, params, grads):
        """See `SafeOptimizer.direction`."""
        if group["weight_decay"] != 0:
            grads = torch._foreach_add(grads, params, alpha=group["weight_decay"])
        return grads, group["lr"]

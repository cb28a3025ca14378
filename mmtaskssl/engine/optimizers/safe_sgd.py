from typing import Any

import torch
from torch import Tensor

from mmtaskssl.registry import OPTIMIZERS

from .safe_base import SafeOptimizer


@OPTIMIZERS.register_module()
class SafeSGD(SafeOptimizer):
    """SGD in which weights without a gradient rest; see `SafeOptimizer`.

    Differs from `torch.optim.SGD` in nothing else (no dampening). The arguments are
    those of `SafeOptimizer`.
    """

    def direction(
        self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]
    ) -> tuple[list[Tensor], float]:
        """See `SafeOptimizer.direction`."""
        if group["weight_decay"] != 0:
            grads = torch._foreach_add(grads, params, alpha=group["weight_decay"])
        return grads, group["lr"]

"""Which float types the kernels can compute in."""

import torch
from torch import Tensor


def computable(x: Tensor) -> Tensor:
    """Returns ``x`` in float32 unless it is float32 or float64 already.

    torchvision's kernels lack bfloat16 everywhere and float16 on the CPU, both of
    which mixed precision hands to these operators.
    """
    return x if x.dtype in (torch.float32, torch.float64) else x.float()

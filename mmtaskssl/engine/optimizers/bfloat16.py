from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from mmtaskssl.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Mixed precision in bfloat16, on CPU as on GPU, native or emulated.

    mmengine's `AmpOptimWrapper` refuses to be built without a GPU. bfloat16 has
    float32's range, so no loss scaling is needed. A CPU without the instructions takes
    several times as long in it as in float32: `AutoPrecisionOptimWrapper` asks first.
    """

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Autocasts the forward pass of ``model``.

        Args:
            model: As for `OptimWrapper.optim_context`.
        """
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield

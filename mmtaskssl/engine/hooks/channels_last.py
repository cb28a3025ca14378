import gc

import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from torch import nn

from mmtaskssl.models.tap_conv import use_no_taps, use_taps
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.number_formats import prefers_taps

_WRAPPED = (
    "device_ids",
    "output_device",
    "broadcast_buffers",
    "find_unused_parameters",
    "gradient_as_bucket_view",
    "static_graph",
    "detect_anomalous_params",
)


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the model's weights out channels-last before training.

    Convolutions take the layout of their weights, so activations follow from the first
    layer on. On CPUs and tensor cores it is mostly the faster one, to be measured for
    each network; sums may be taken in another order, so results differ in rounding.
    `AutoPrecisionOptimWrapper` decides where it is used. Where the CPU is known to gain
    by it, maps of a few pixels are convolved by taps meanwhile; see `tap_conv`.

    DDP lays its buckets of gradients out as the weights are when it wraps them, and
    afterwards copies each gradient of another layout, with a warning; so what is
    wrapped already is wrapped anew. (The Runner wraps before it knows what a resumed
    training had, so it cannot be done in front of it.)
    """

    def before_train(self, runner) -> None:
        """Converts the model in place, and renews its wrapper.

        Args:
            runner: mmengine's runner.
        """
        wrapper = runner.optim_wrapper
        layout = getattr(wrapper, "memory_format", torch.channels_last)
        model, runner.model = runner.model, None
        model.to(memory_format=layout)
        if layout == torch.channels_last and prefers_taps(next(model.parameters())):
            use_taps(model)
        if isinstance(model, MMDistributedDataParallel):
            kind, module, options = type(model), model.module, wrapping(model)
            # The old one's hooks on the weights go with it.
            del model
            gc.collect()
            model = kind(module=module, **options)
        runner.model = model

    def after_train(self, runner) -> None:
        """Leaves a model whose convolutions are PyTorch's.

        Args:
            runner: mmengine's runner.
        """
        use_no_taps(runner.model)


def wrapping(model: nn.Module) -> dict:
    """Returns the arguments by which mmengine's DDP was built, but for its module."""
    return {name: getattr(model, name) for name in _WRAPPED if hasattr(model, name)}

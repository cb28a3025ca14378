import torch
from mmengine.hooks import Hook

from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the model's weights out channels-last before training.

    Convolutions take the layout of their weights, so activations follow from the first
    layer on. On CPUs and tensor cores it is mostly the faster one, to be measured for
    each network; sums may be taken in another order, so results differ in rounding.
    `AutoPrecisionOptimWrapper` decides where it is used.
    """

    def before_train(self, runner) -> None:
        """Converts the model in place.

        Args:
            runner: mmengine's runner.
        """
        wrapper = runner.optim_wrapper
        layout = getattr(wrapper, "memory_format", torch.channels_last)
        runner.model.to(memory_format=layout)

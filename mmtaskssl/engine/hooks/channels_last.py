import torch
from mmengine.hooks import Hook

from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the model's weights out channels-last before training.

    Convolutions take the layout of their weights, so activations follow from the first
    layer on. It changes no value, only speed: on CPUs and tensor cores mostly for the
    better, to be measured for each network.
    """

    def before_train(self, runner) -> None:
        """Converts the model in place.

        Args:
            runner: mmengine's runner.
        """
        runner.model.to(memory_format=torch.channels_last)

from mmengine.hooks import Hook
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner

from mmtaskssl.models.algorithms.momentum import MomentumEncoder
from mmtaskssl.models.elastic.sync_norm import without_waiting
from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class SyncNormHook(Hook):
    """Makes synchronised batch norm (``sync_bn`` in a config) cheap.

    Without it nothing changes for a model that has none. With it the host no longer
    waits in each layer; see `WaitFreeSyncBatchNorm`.

    Args:
        local_targets: Whether averaged networks (BYOL's target) normalise by the
            statistics of their process. The papers' are synchronised like the online
            network, so the default is False. No gradient flows there, so a process's
            statistics only have to estimate the same moments: with 256 images each
            their error is small, and half of all exchanges of statistics fall away.
            With a few images a process it changes the targets: leave it off.
    """

    def __init__(self, local_targets: bool = False) -> None:
        self.local_targets = local_targets

    def before_train(self, runner: Runner) -> None:
        """Changes the layers in place; names and values stay.

        Args:
            runner: Its model is changed.
        """
        localised = 0
        if self.local_targets:
            for module in list(runner.model.modules()):
                if isinstance(module, MomentumEncoder):
                    module.module = revert_sync_batchnorm(module.module)
                    localised += 1
        count = without_waiting(runner.model)
        if count:
            but = f", those of {localised} average(s) are not" if localised else ""
            runner.logger.info(f"{count} batch norms are synchronised{but}")

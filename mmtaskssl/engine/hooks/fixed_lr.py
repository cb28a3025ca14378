from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class FixedLrHook(Hook):
    """Keeps the learning rate of parameter groups with ``fix_lr=True`` constant.

    SimSiam (section 4.1) exempts its predictor from the decay. Unlike the host's
    hook it works with schedules by epoch and by iteration, and takes the rate from
    the group, so that ``--auto-scale-lr`` holds for it too.
    """

    # After the schedulers' values are set, before the first step uses them.
    priority = "VERY_LOW"

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None):
        """Puts the initial rate back.

        Args:
            runner: Its optimizer's groups are changed.
            batch_idx: Ignored.
            data_batch: Ignored.
        """
        for group in runner.optim_wrapper.param_groups:
            if group.get("fix_lr"):
                group["lr"] = group.get("initial_lr", group["lr"])

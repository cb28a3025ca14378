from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class StartOnlyHook(Hook):
    """Ends a training before its first step: the checkpoint is of its start.

    Of what the training would begin with, that is: initialised or loaded weights.
    """

    # Once everything is loaded.
    priority = "LOWEST"
    #: Nothing is taught, so that a teacher need not be there.
    takes_no_step = True

    def before_train(self, runner: Runner) -> None:
        """Stops the loop, which has not begun.

        Args:
            runner: Of the training.
        """
        runner.train_loop.stop_training = True

from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner

from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.interrupts import end_if_asked, is_asked

from .checkpoint import CheckpointHook


@HOOKS.register_module()
class TerminationHook(Hook):
    """Ends a training that got a SIGTERM after its step, with a checkpoint of it.

    A scheduler sends one before it kills. A training that counts iterations resumes
    there, bit for bit; one that counts epochs from the checkpoint of its last epoch.
    Where gradients are accumulated, the step ends with the optimizer's.

    See `mmtaskssl.utils.interrupts.deferred`, without which nothing asks.
    """

    # What other hooks do after the step belongs to it.
    priority = "LOWEST"

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | tuple | list | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Saves and interrupts, if it was asked to.

        Args:
            runner: Of the training.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Not used.
        """
        wrapper = runner.optim_wrapper
        if not is_asked() or (
            isinstance(wrapper, OptimWrapper) and not wrapper.should_update()
        ):
            return
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and isinstance(
                runner.train_loop, IterBasedTrainLoop
            ):
                hook.save_now(runner)
        end_if_asked()

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | tuple | list | None = None,
        outputs: object = None,
    ) -> None:
        """Interrupts a validation, if it was asked to: it saw the last checkpoint.

        Args:
            runner: Of the training.
            batch_idx: Not used.
            data_batch: Not used.
            outputs: Not used.
        """
        end_if_asked()

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor
from torch import distributed as dist

from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.interrupts import end_if_asked, end_together, is_asked

from .checkpoint import CheckpointHook


@HOOKS.register_module()
class TerminationHook(Hook):
    """Ends a training that got a SIGTERM after its step, with a checkpoint of it.

    A scheduler sends one before it kills. A training that counts iterations resumes
    there, bit for bit; one that counts epochs from the checkpoint of its last epoch.
    Where gradients are accumulated, the step ends with the optimizer's.

    Several processes end with the same step, whichever of them was asked, and only once
    the checkpoint is written: a launcher kills the others when the first has ended.
    They agree on it a step later, so that none has to wait for the others in between.

    See `mmtaskssl.utils.interrupts.deferred`, without which nothing asks.
    """

    # What other hooks do after the step belongs to it.
    priority = "LOWEST"

    def __init__(self) -> None:
        self._group: dist.ProcessGroup | None = None
        self._pending: tuple[Tensor, dist.Work] | None = None
        self._agreed = False

    def before_train(self, runner: Runner) -> None:
        """Lets several processes talk apart from their gradients, on the CPU.

        Args:
            runner: Of the training.
        """
        if get_world_size() > 1:
            self._group = dist.new_group(backend="gloo")

    def after_train(self, runner: Runner) -> None:
        """Hears what the last step's processes have said.

        Args:
            runner: Of the training.
        """
        self._hear()

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
        if not self._is_asked() or (
            isinstance(wrapper, OptimWrapper) and not wrapper.should_update()
        ):
            return
        self._hear()
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook) and isinstance(
                runner.train_loop, IterBasedTrainLoop
            ):
                hook.save_now(runner)
        if self._group is not None:
            dist.barrier(self._group)
        end_together()

    def _is_asked(self) -> bool:
        """Whether to end, on which all processes agree."""
        if self._group is None:
            return is_asked()
        self._hear()
        said = torch.tensor(int(is_asked()))
        work = dist.all_reduce(said, dist.ReduceOp.MAX, self._group, async_op=True)
        self._pending = said, work
        return self._agreed

    def _hear(self) -> None:
        if self._pending is not None:
            said, work = self._pending
            work.wait()
            self._agreed |= bool(said)
            self._pending = None

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

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import Diverged


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stops the training at a NaN or infinite loss and names the iteration.

    The first bad iteration is remembered on the loss's own device and asked for only
    every ``interval`` iterations, so that a GPU need not wait in each of them; and
    before a checkpoint is written, so that no file holds what came after.

    Args:
        interval: Iterations between two looks.
    """

    def __init__(self, interval: int = 20) -> None:
        self.interval = interval
        self._first_bad: torch.Tensor | None = None

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Remembers and, on the cadence, reports.

        Args:
            runner: Names the iteration.
            batch_idx: Ignored.
            data_batch: Ignored.
            outputs: The step's log values; ``loss`` is looked at.

        Raises:
            UserError: A loss was not finite.
        """
        loss = (outputs or {}).get("loss")
        if loss is None:
            return
        loss = torch.as_tensor(loss).detach()
        if self._first_bad is None:
            self._first_bad = torch.full((), -1, device=loss.device)
        is_first = ~torch.isfinite(loss).all() & (self._first_bad < 0)
        self._first_bad.masked_fill_(is_first, runner.iter + 1)
        if self.every_n_train_iters(runner, self.interval):
            self._report(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Reports before anything is written.

        Args:
            runner: Names the folder with the last good checkpoint.
            checkpoint: Ignored.

        Raises:
            UserError: A loss was not finite.
        """
        self._report(runner)

    def after_train(self, runner: Runner) -> None:
        """Reports at the end.

        Args:
            runner: Names the folder with the last good checkpoint.

        Raises:
            UserError: A loss was not finite.
        """
        self._report(runner)

    def _report(self, runner: Runner) -> None:
        if self._first_bad is None or self._first_bad < 0:
            return
        raise Diverged(
            f"the loss was not finite at iteration {int(self._first_bad)} of "
            f"{runner.max_iters}; lower the learning rate, warm up longer or clip "
            f"gradients, and go on with {option('resume')} from {runner.work_dir}"
        )

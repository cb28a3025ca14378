import torch
from mmengine.hooks import LoggerHook
from mmengine.hooks import RuntimeInfoHook as _RuntimeInfoHook
from mmengine.runner import Runner
from torch import Tensor

from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class RuntimeInfoHook(_RuntimeInfoHook):
    """mmengine's, without waiting for the device in every iteration.

    mmengine's reads each logged value of each step from the device, which stops the
    host until all that was launched is done. This one keeps the values of a GPU where
    they are, and reads all of them at once when someone looks: at the iterations of the
    `LoggerHook`, before a checkpoint and at the end. In between the message hub holds
    what was logged so far. Values on the CPU go to the hub at once.

    Args:
        interval: Iterations between two readings where there is no `LoggerHook`.
    """

    def __init__(self, interval: int = 50) -> None:
        super().__init__()
        self.interval = interval
        self._waiting: list[tuple[str, Tensor]] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Keeps the step's values, and on the cadence hands them over.

        Args:
            runner: Its message hub receives them.
            batch_idx: Place in the epoch.
            data_batch: Ignored.
            outputs: The step's log values.
        """
        for key, value in (outputs or {}).items():
            if isinstance(value, Tensor) and value.device.type != "cpu":
                # Detached: a loss would keep its step's graph.
                self._waiting.append((f"train/{key}", value.detach()))
            else:
                runner.message_hub.update_scalar(f"train/{key}", value)
        if self._waiting and self._is_read(runner, batch_idx):
            self.hand_over(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Puts what waits into the checkpoint, too.

        Args:
            runner: Its message hub is saved.
            checkpoint: Was built before.
        """
        if self._waiting:
            self.hand_over(runner)
            checkpoint["message_hub"] = runner.message_hub.state_dict()

    def after_train_epoch(self, runner: Runner) -> None:
        """Hands over what waits.

        Args:
            runner: Its message hub receives it.
        """
        self.hand_over(runner)

    def after_train(self, runner: Runner) -> None:
        """Hands over what waits.

        Args:
            runner: Its message hub receives it.
        """
        self.hand_over(runner)
        super().after_train(runner)

    def hand_over(self, runner: Runner) -> None:
        """Reads all waiting values from their device, with one wait.

        Args:
            runner: Its message hub receives them, in their order.
        """
        if not self._waiting:
            return
        keys, values = zip(*self._waiting, strict=True)
        self._waiting = []
        # Double precision holds each of these types exactly.
        for key, value in zip(
            keys, torch.stack([v.double().mean() for v in values]).tolist(), strict=True
        ):
            runner.message_hub.update_scalar(key, value)

    def _is_read(self, runner: Runner, batch_idx: int) -> bool:
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        if not loggers:
            return self.every_n_train_iters(runner, self.interval)
        return self.end_of_epoch(runner.train_dataloader, batch_idx) or any(
            self.every_n_inner_iters(batch_idx, hook.interval) for hook in loggers
        )

from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmtaskssl.datasets.collate import count_images
from mmtaskssl.registry import HOOKS


@HOOKS.register_module()
class ThroughputHook(Hook):
    """Logs ``images_per_s`` over all processes, beside mmengine's time and ETA."""

    # After IterTimerHook has measured the iteration, before LoggerHook reads it.
    priority = "NORMAL"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Divides the batch by the iteration's time.

        Args:
            runner: Its message hub is read and written.
            batch_idx: Ignored.
            data_batch: See `count_images`.
            outputs: Ignored.
        """
        seconds = runner.message_hub.get_scalar("train/time").current()
        images = count_images(data_batch) * get_world_size()
        runner.message_hub.update_scalar("train/images_per_s", images / seconds)

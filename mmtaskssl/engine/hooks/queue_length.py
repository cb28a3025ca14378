import logging
from typing import Any

from mmengine.dataset import RepeatDataset
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmselfsup.models.algorithms import DenseCL
from mmselfsup.models.algorithms import MoCo as HostMoCo
from torch import nn

from mmtaskssl.engine.unwrapped import unwrapped
from mmtaskssl.models.algorithms import MoCo
from mmtaskssl.registry import HOOKS
from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import BadBatch, CannotResume

_QUEUED = (HostMoCo, DenseCL)  # ours are made of the host's


@HOOKS.register_module()
class QueueLengthHook(Hook):
    """Fits the queues of MoCo to the images that the training really has.

    A queue that spans a good part of an epoch holds keys of a query's own image, made
    before, and teaches that an image is unlike itself. Of a queue of q keys over n
    images in shuffled epochs, q^2 / 2n^2 keys are the query's own on average where q is
    at most n, and q / n - 1/2 beyond: 0.03 at a quarter, 0.5 at n, 3.5 at 4n. So the
    queue in force is ``min(configured, max(one global batch, n / 4))``, where n counts
    the images after a selection. The share is ours; queue_evidence.py among the
    benchmarks measures what longer ones cost.

    Also of mmselfsup's own MoCo and DenseCL, whose queues are of whole batches. Does
    nothing for other algorithms.

    Args:
        keep: Whether the configured length stays as it is, as in the published
            recipes. ``--cfg-options model.queue_len=...`` sets it. Then more than
            ``share`` of the images is warned of, and more than ``limit`` refused.
        share: Most keys, as a share of the images.
        limit: Most keys that ``keep`` may ask for, as a share of the images. More than
            1 is for measuring what that costs.
    """

    # Before `EMAHook` copies the model, whatever the order they are registered in.
    priority = "ABOVE_NORMAL"

    def __init__(
        self, keep: bool = False, share: float = 0.25, limit: float = 1.0
    ) -> None:
        self.keep, self.share, self.limit = keep, share, limit

    def before_run(self, runner: Runner) -> None:
        """Shortens the model's queues, before weights are loaded or resumed.

        Args:
            runner: Its model is changed.

        Raises:
            UserError: A kept queue is too long.
        """
        model = unwrapped(runner.model)
        # Of a test the loop is not there, or still a config.
        loader = getattr(runner._train_loop, "dataloader", None)
        if loader is None or not isinstance(model, _QUEUED):
            return
        images = _count_images(loader.dataset)
        configured, most = model.queue_len, int(self.share * images)
        if self.keep:
            self._judge(configured, most, images)
            length = configured
        else:
            batch = (loader.batch_size or 1) * get_world_size()
            length = min(configured, max(batch, most))
            if isinstance(model, MoCo):
                model.shorten_queues(length)
            else:
                length = max(batch, length - length % batch)
                _shorten(model, length)
        print_log(
            f"queue: {length} keys for {images} images ("
            + ("kept as configured" if self.keep else f"configured: {configured}")
            + ")",
            "current",
        )

    def _judge(self, length: int, most: int, images: int) -> None:
        if length > self.limit * images:
            raise BadBatch(
                f"MoCo's queue of {length:,} keys is longer than the {images:,} "
                "training images, so that each image would be its own negative: take "
                f"more images, or a shorter queue with {option('cfg_options')} "
                f"model.queue_len={max(1, most)}; default_hooks.queue.keep=False "
                "shortens it by itself"
            )
        if length > most:
            print_log(
                f"the queue of {length} keys exceeds {self.share:g} of the {images} "
                f"training images, so it holds keys of a query's own image; "
                f"{max(1, most)} would not do so often",
                "current",
                logging.WARNING,
            )

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Refuses to resume with another queue than the checkpoint's.

        mmengine would start an empty one, and say so in a line among many.

        Args:
            runner: Holds the model.
            checkpoint: Its content.

        Raises:
            UserError: A resumed training had another queue.
        """
        model, state = unwrapped(runner.model), checkpoint.get("state_dict", checkpoint)
        if not isinstance(model, _QUEUED):
            return
        for name in _queues(model):
            if name not in state or state[name].shape[1] == model.queue_len:
                continue
            found = state[name].shape[1]
            if runner._resume:
                raise CannotResume(
                    f"the training to resume has a queue of {found} keys, and with "
                    f"these images and options it would be {model.queue_len}: resume "
                    f"with the images it began with or model.queue_len={found}, or "
                    "begin anew with load_from in place of resuming"
                )
            # Else mmengine would list it among the weights that do not fit.
            del state[name]
            state.pop(f"{name}_ptr", None)
            print_log(
                f"the checkpoint's {name} of {found} keys is left out: this training's "
                f"has {model.queue_len} and begins with random ones",
                "current",
            )


def _queues(model: nn.Module) -> list[str]:
    return [n for n, _ in model.named_buffers() if n in ("queue", "queue2")]


def _shorten(model: nn.Module, length: int) -> None:
    """`MoCo.shorten_queues` for the host's algorithms."""
    if length >= model.queue_len:
        return
    for name in _queues(model):
        queue = model.get_buffer(name)
        queue.data = queue[:, :length].clone()
        model.get_buffer(f"{name}_ptr").zero_()
    model.queue_len = length


def _count_images(dataset: Any) -> int:
    while isinstance(dataset, RepeatDataset):  # the same images again
        dataset = dataset.dataset
    return getattr(dataset, "distinct_images", None) or len(dataset)

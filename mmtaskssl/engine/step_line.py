"""What a step of several processes takes, in a line of the log."""

from mmengine.config import Config
from mmengine.runner import Runner

from mmtaskssl.utils.errors import option

from .rescale import Batch


def say_step(runner: Runner) -> None:
    """Logs the images of a step, where several processes share it.

    Args:
        runner: Whose data is built.
    """
    batch = Batch.of(runner)
    if batch.world_size > 1:
        runner.logger.info(step_line(batch, runner.cfg))


def step_line(batch: Batch, cfg: Config) -> str:
    """Returns how many images a step takes in all, and whether the rate follows.

    Args:
        batch: Of each process, and of how many.
        cfg: Of the training.
    """
    scaling = cfg.get("auto_scale_lr") or {}
    base = scaling.get("base_batch_size")
    if base and scaling.get("enable"):
        rate = f"the learning rate is scaled from one for {base:,} images"
    elif base == batch.images:
        rate = f"the learning rate is for {base:,} images"
    else:
        rate = "the learning rate is the config's" + (
            f", for {base:,} images: {option('auto_scale_lr')} scales it"
            if base
            else ", however many images there are"
        )
    return (
        f"a step takes {batch.step_images:,} images in all, {batch}: batch_size is of "
        f"each process; {rate}"
    )

"""Going on with another number of processes or images a step."""

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmengine.dist import get_world_size
from mmengine.optim import OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmengine.runner.utils import _get_batch_size
from torch.utils.data import DataLoader

from mmtaskssl.utils.errors import option
from mmtaskssl.utils.families import CannotResume

# What counts iterations in a loop and in a scheduler of iterations.
_LOOP_COUNTS = ("max_iters", "val_begin", "val_interval")
_COUNTS = ("begin", "end", "T_max", "step_size", "total_steps")
_LISTS = ("milestones", "periods")


@dataclass(frozen=True)
class Batch:
    """What one training step takes.

    Attributes:
        world_size: Processes.
        batch_size: Images an iteration and process.
        accumulation: Iterations a step of the optimizer.
    """

    world_size: int
    batch_size: int
    accumulation: int = 1

    @property
    def images(self) -> int:
        """Images an iteration, of all processes."""
        return self.world_size * self.batch_size

    @property
    def step_images(self) -> int:
        """Images a step of the optimizer."""
        return self.images * self.accumulation

    def __str__(self) -> str:
        text = f"{self.world_size} process(es) of {self.batch_size} images"
        if self.accumulation > 1:
            text += f", accumulated {self.accumulation} times"
        return text

    def to_dict(self) -> dict[str, int]:
        """Returns what a checkpoint records."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, int]) -> "Batch":
        """Reads the record."""
        return cls(
            record["world_size"], record["batch_size"], record.get("accumulation", 1)
        )

    @classmethod
    def of(cls, runner: Runner) -> "Batch":
        """Asks a runner, built or not yet."""
        loop = runner._train_loop  # a config until it is built
        loader = getattr(loop, "dataloader", None)
        if loader is None:
            loader = runner._train_dataloader
        if isinstance(loader, DataLoader):
            size = loader.batch_size or getattr(loader.batch_sampler, "batch_size", 1)
        else:
            size = _get_batch_size(loader)
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, Mapping):
            accumulation = wrapper.get("accumulative_counts", 1)
        else:
            accumulation = getattr(wrapper, "_accumulative_counts", 1)
        return cls(get_world_size(), int(size), int(accumulation))


class Rescale:
    """Rescales a training so that it is the same counted in images.

    Its place and length and the schedules by iterations keep their numbers of images;
    the learning rate follows the images a step of the optimizer linearly (Goyal et al.,
    arXiv:1706.02677, section 2.1), as ``auto_scale_lr`` does. Epochs stay. What the
    method itself counts in steps (the momentum of an average, the queue) is left alone.

    Args:
        had: The checkpoint's batch.
        has: The batch from here on.
        config_images: Images an iteration for which the config counts its iterations:
            those of the training's first batch, however often it was rescaled.
    """

    def __init__(self, had: Batch, has: Batch, config_images: int) -> None:
        self.had = had
        self.has = has
        self.config_images = config_images

    @property
    def config_ratio(self) -> float:
        """Iterations from here on for one of the config's."""
        return self.config_images / self.has.images

    def count(self, value: int) -> int:
        """Converts a number of the config's iterations."""
        return max(1, round(value * self.config_ratio)) if value > 0 else value

    def rewrite(self, runner: Runner) -> None:
        """Converts the runner's loop and schedules, which are not built yet.

        Raises:
            UserError: The schedule cannot be converted.
        """
        loop = runner._train_loop
        by_epoch = "max_epochs" in loop
        if not by_epoch:
            for key in _LOOP_COUNTS:
                if key in loop:
                    loop[key] = self.count(loop[key])
            if loop.get("dynamic_intervals"):
                loop["dynamic_intervals"] = [
                    tuple(map(self.count, pair)) for pair in loop["dynamic_intervals"]
                ]
        schedulers = runner.param_schedulers
        if isinstance(schedulers, Mapping) and "type" not in schedulers:
            raise CannotResume(
                f"{option('resume_rescale')} does not serve several optimizers"
            )
        for scheduler in (
            [schedulers] if isinstance(schedulers, Mapping) else (schedulers or [])
        ):
            self._rewrite(scheduler)
        self._schedulers = schedulers

    def _rewrite(self, scheduler: dict) -> None:
        if "ReduceOnPlateau" in str(scheduler["type"]):
            raise CannotResume(
                f"{option('resume_rescale')} does not serve {scheduler['type']}"
            )
        if scheduler.get("by_epoch", True):
            return
        for key in _COUNTS:
            value = scheduler.get(key)
            if isinstance(value, int | float) and math.isfinite(value):
                scheduler[key] = self.count(value)
        for key in _LISTS:
            if scheduler.get(key) is not None:
                scheduler[key] = [self.count(value) for value in scheduler[key]]
        if "Exponential" in str(scheduler["type"]):  # decays in each iteration
            scheduler["gamma"] = scheduler.get("gamma", 0.1) ** (1 / self.config_ratio)

    def apply(self, runner: Runner) -> None:
        """Puts a runner that has loaded its checkpoint at the converted place."""
        loop = runner.train_loop
        before = loop._iter
        per_epoch = None
        if isinstance(loop, EpochBasedTrainLoop):
            per_epoch = len(loop.dataloader)
            loop._iter = loop._epoch * per_epoch
        else:
            loop._iter = round(before * self.had.images / self.has.images)
        if isinstance(runner.optim_wrapper, OptimWrapperDict):
            raise CannotResume(
                f"{option('resume_rescale')} does not serve several optimizers"
            )
        factor = self.has.step_images / self.had.step_images
        for group in runner.optim_wrapper.param_groups:
            group["initial_lr"] = group.get("initial_lr", group["lr"]) * factor
            for key in [key for key in group if key.startswith("initial_")]:
                group[key.removeprefix("initial_")] = group[key]
        if self._schedulers is not None:
            runner.param_schedulers = runner.build_param_scheduler(self._schedulers)
            _advance(runner.param_schedulers, loop._iter, per_epoch)
        runner.message_hub.update_info("iter", loop._iter)
        runner.logger.info(
            f"rescaled from {self.had} to {self.has}: iteration {before} is "
            f"{loop._iter} of {loop.max_iters} now, and learning rates are "
            f"{factor:g} times what they were"
        )


def _advance(schedulers: list[Any], iters: int, per_epoch: int | None) -> None:
    """Steps fresh schedulers as often as the training would have done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the optimizer made no step of its own
        for done in range(1, iters + 1):
            ended = per_epoch is not None and done % per_epoch == 0
            for scheduler in schedulers:
                if not scheduler.by_epoch or ended:
                    scheduler.step()


def check_batch(
    batch: Batch,
    record: Mapping[str, Any] | None,
    filename: str,
    log: Callable[[str], object],
) -> None:
    """Refuses to go on with another batch, which would bend the schedule.

    Args:
        batch: What a step takes now.
        record: What a checkpoint says of its own; None: nothing, which is logged.
        filename: Of the checkpoint.
        log: Takes a line.

    Raises:
        UserError: They differ.
    """
    if record is None:
        log(
            f"{filename} does not say with how many processes and images a step it "
            "was trained: make sure that they are the same"
        )
        return
    had = Batch.from_dict(record)
    if had != batch or record["config_images"] != batch.images:
        raise CannotResume(
            f"{filename} was trained with {had}, and its schedule would bend with "
            f"{batch}: go on with the same, or rescale it with "
            f"{option('resume_rescale')}"
        )

"""Gradients between two steps of the optimizer, which a resumed training needs."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmtaskssl.models.algorithms.momentum import MomentumEncoder

from .unwrapped import unwrapped

#: Of a checkpoint: gradients by the parameters' names.
KEY = "accumulated_gradients"
# How mmengine begins to say that gradients are lost, for its checkpoints have none.
_SAID_LOST = "Resumed iteration number is not divisible by"


def accumulated_gradients(runner: Runner) -> dict[str, Tensor]:
    """Returns what has been accumulated since the optimizer's last step.

    Of several processes the mean: each has its own until the step, which takes the
    mean of all. All of them have to call this.

    Args:
        runner: Behind a training iteration.

    Returns:
        By the parameters' names; nothing behind a step of the optimizer.
    """
    wrapper = runner.optim_wrapper
    if not isinstance(wrapper, OptimWrapper) or wrapper.should_update():
        return {}
    found = {
        name: parameter.grad.detach().clone()
        for name, parameter in _parameters(runner).items()
        if parameter.grad is not None
    }
    if get_world_size() > 1:
        for gradient in found.values():
            all_reduce(gradient, op="mean")
    return found


class KeepsGradients(Hook):
    """Mixed into what writes checkpoints: those to resume from have the gradients."""

    _gradients: Mapping[str, Any] = {}

    @contextlib.contextmanager
    def gradients_of(self, runner: Runner) -> Iterator[None]:
        """A checkpoint that is written within has what has been accumulated.

        Args:
            runner: Behind a training iteration; all processes come here.
        """
        self._gradients = accumulated_gradients(runner)
        try:
            yield
        finally:
            self._gradients = {}

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Adds the gradients.

        Args:
            runner: Ignored.
            checkpoint: Gets them.
        """
        if self._gradients and "optimizer" in checkpoint:
            checkpoint[KEY] = self._gradients

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keeps the gradients until `give_back`; that they are lost is not said then.

        Args:
            runner: Whose log it is.
            checkpoint: May have some.
        """
        self._gradients = checkpoint.get(KEY) or {}
        if self._gradients and not _begins_a_step(runner):
            runner.logger.addFilter(_is_true)

    @torch.no_grad()
    def give_back(self, runner: Runner) -> None:
        """Lets a resumed training go on from the gradients that were loaded.

        Args:
            runner: Before its first iteration.
        """
        gradients, self._gradients = self._gradients, {}
        runner.logger.removeFilter(_is_true)
        if not gradients or _begins_a_step(runner):
            return
        for name, parameter in _parameters(runner).items():
            gradient = gradients.get(name)
            if isinstance(gradient, Tensor) and gradient.shape == parameter.shape:
                parameter.grad = torch.empty_like(parameter).copy_(gradient)
        print_log(
            "the gradients since the optimizer's last step are the checkpoint's: none "
            "is lost",
            "current",
        )
        for module in runner.model.modules():
            if isinstance(module, MomentumEncoder):  # which moves once a step
                module.resume_inside()


def _begins_a_step(runner: Runner) -> bool:
    """Whether a resumed training takes no gradients of another batch along."""
    return bool(getattr(runner, "_rescale", None))


def _is_true(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_SAID_LOST)


def _parameters(runner: Runner) -> dict[str, nn.Parameter]:
    model = unwrapped(runner.model)
    return dict(model.named_parameters())

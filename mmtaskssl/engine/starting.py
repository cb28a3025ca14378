"""What a backbone starts from."""

from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmtaskssl.models.teachers import StartTeacher
from mmtaskssl.networks import preprocessing_of
from mmtaskssl.networks.start import RANDOM, Start, start_from
from mmtaskssl.utils.families import BadConfigValue

from .unwrapped import unwrapped


def take_start(cfg: Config, model: nn.Module, weights: str) -> Start | None:
    """Loads what a training starts from.

    Args:
        cfg: Its config.
        model: Not wrapped; its backbone takes the weights.
        weights: See `start_from`, as for errors.

    Returns:
        What was loaded; None of "random".
    """
    return start_from(
        model,
        weights,
        allow=cfg.get("allow") or (),
        order=cfg.get("weights_order") or "leading",
        pixels=preprocessing_of(cfg),
    )


def show_start(runner: Runner, loaded: str | None) -> None:
    """Shows what the backbone starts from to a teacher that is the start.

    Args:
        runner: Of the training.
        loaded: A whole model's weights, where they were loaded.
    """
    model = unwrapped(runner.model)
    if not hasattr(model, "after_start"):
        return
    own = ((runner.cfg.get("model") or {}).get("backbone") or {}).get("weights")
    name = runner.cfg.get("weights") or loaded or own
    name = None if name in (None, RANDOM) else str(name)
    if name is None and any(getattr(h, "takes_no_step", 0) for h in runner.hooks):
        return  # no step is to be taught: an untrained control
    model.after_start(name)


def learns_from_start(model: nn.Module) -> bool:
    """Whether a teacher of a model is what its backbone starts from."""
    return any(isinstance(module, StartTeacher) for module in model.modules())


def check_synchronisable(model: nn.Module) -> None:
    """Refuses norms of which `SyncBatchNorm` would keep a part.

    Args:
        model: Any.

    Raises:
        UserError: Names one.
    """
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and any(True for _ in module.children()):
            raise BadConfigValue(
                f"{name} is a {type(module).__name__}, which also holds an activation "
                "that synchronising would drop: leave sync_bn out of the config"
            )

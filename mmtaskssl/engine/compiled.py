"""The config's ``compile`` for our own algorithms."""

import torch
from mmengine.runner import Runner
from torch import nn

from ..models.algorithms import ElasticAlgorithm
from ..models.algorithms.momentum import MomentumEncoder
from ..utils.families import BadValue, OptionConflict, UnknownName
from .unwrapped import unwrapped


def compile_networks(runner: Runner) -> None:
    """Compiles the backbones of one of our models, if its config asks for it.

    mmengine would compile the whole step, of which our views, averages and queues are
    no part that a compiler can use. Other packages' models are left to it. Names in
    checkpoints stay as they are.

    Args:
        runner: Its config's ``compile`` is True or the arguments of `torch.compile`,
            such as ``dict(mode="reduce-overhead")``; it is used up.

    Raises:
        UserError: A model of sub-nets, each of which would be compiled anew; or
            arguments that `torch.compile` does not know.
    """
    options = runner.cfg.get("compile")
    model = unwrapped(runner.model)
    if not options or not hasattr(model, "check_batch"):
        return
    if isinstance(model, ElasticAlgorithm):
        raise OptionConflict(
            f"compile does not combine with {type(model).__name__}: every sub-net "
            "would be compiled anew; leave it out"
        )
    if options is not True and not isinstance(options, dict):
        raise BadValue(f"compile is True or torch.compile's arguments, not {options!r}")
    runner.cfg.pop("compile")
    options = {} if options is True else dict(options)
    backend = options.get("backend", "inductor")
    known = torch.compiler.list_backends(exclude_tags=())
    if isinstance(backend, str) and backend not in known:
        raise UnknownName(
            f"compile.backend is one of {', '.join(known)}; not {backend!r}"
        )
    try:
        for network in _backbones(model):
            network.compile(**options)
    except (TypeError, RuntimeError) as error:
        raise BadValue(f"compile={options} is refused: {error}") from error


def _backbones(model: nn.Module) -> list[nn.Module]:
    averages = [m for m in model.modules() if isinstance(m, MomentumEncoder)]
    return [model.backbone, *(average.module[0] for average in averages)]

"""Training steps of every algorithm on CUDA tensors that are not there.

What counts lives in `tools/benchmarks/harness`; see there for what a fake step is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from mmengine.model import BaseDataPreprocessor, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from torch import nn
from torch.utils._pytree import tree_map

from harness.collectives import Traffic, strict_collectives
from harness.count_step import fake_group
from harness.dispatch import Counts, DispatchCounter
from harness.fake_cuda import fake_cuda, fake_like
from mmtaskssl.engine.fake_tensors import to_fake
from mmtaskssl.engine.optimizers import BFloat16OptimWrapper
from mmtaskssl.models.algorithms import ElasticDDP
from tests.test_models.test_algorithms import (
    _build,
    _distill,
    _elastic,
    _routed,
    _slimmable,
    _supernets,
)

_PLAIN = ("MoCo", "BYOL", "SimSiam", "JointEmbedding")


def algorithms() -> dict[str, Callable[[], nn.Module]]:
    """A builder of a tiny model for every registered algorithm, by its name."""
    found = {kind: partial(_build.build, kind, **_queue(kind)) for kind in _PLAIN}
    for kind in _supernets.KINDS:
        found[f"Supernet{kind}"] = partial(_supernets.build, kind, **_queue(kind))
    for kind in _PLAIN:
        found[f"Slimmable{kind}"] = partial(_slimmable.build, kind, **_queue(kind))
    for kind in ("RoutedSimSiam", "RoutedBYOL", "RoutedJointEmbedding"):
        found[kind] = partial(_routed.build, kind)
    found["Distill"] = partial(_distill.plain, queue_len=80)
    found["ElasticDistill"] = partial(_distill.elastic, queue_len=80)
    return found


def _queue(kind: str) -> dict:
    # As long as a step of eight processes.
    return {"queue_len": 80} if kind in ("MoCo", "DenseCL") else {}


def batch_of(name: str, model: nn.Module) -> dict:
    """A batch that has been through the preprocessor: real views on the CPU."""
    if "Distill" in name:
        return {"inputs": [_build.views()[0], _build.views(size=_distill.SIDE)[0]]}
    if name.startswith("Routed"):
        return _routed.make_batch(model.subnets_of_step()[1].path)
    return {"inputs": _build.views() if name in _PLAIN else _elastic.batch(0)}


def optimizer_of(model: nn.Module, amp: bool = False, accumulate: int = 1, **kind):
    """A wrapper as training has it, by default around `torch.optim.SGD`."""
    kind = {"type": torch.optim.SGD, "lr": 0.05, "momentum": 0.9, **kind}
    if kind["type"] is torch.optim.SGD:
        kind.setdefault("foreach", True)  # as torch decides for a GPU, not for fakes
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = kind.pop("type")(parameters, **kind)
    wrapper = BFloat16OptimWrapper if amp else OptimWrapper
    return wrapper(optimizer, accumulative_counts=accumulate)


def wrapper_of(name: str) -> type[MMDistributedDataParallel]:
    """What DDP an algorithm is wrapped with."""
    plain = (*_PLAIN, "Distill")
    return MMDistributedDataParallel if name in plain else ElasticDDP


def wrap(name: str, model: nn.Module) -> nn.Module:
    """Wraps a model as the Runner does."""
    return wrapper_of(name)(module=model, broadcast_buffers=False)


@dataclass
class Seen:
    """What the last of some steps asked for."""

    counts: Counts
    traffic: Traffic


def fake_steps(
    name: str,
    amp: bool = False,
    world_size: int = 1,
    accumulate: int = 1,
    steps: int = 2,
    change: Callable[[nn.Module], nn.Module] = lambda model: model,
    **optimizer,
) -> Seen:
    """Runs steps of an algorithm on fake CUDA tensors; returns the last one's.

    Args:
        name: One of `algorithms`.
        amp: In bfloat16.
        world_size: Processes that it believes in.
        accumulate: Iterations an optimizer step.
        steps: Optimizer steps; the first ones warm up.
        change: Applied to the model, in the process group.
        **optimizer: As for `optimizer_of`.
    """
    hub = _elastic.fresh_hub()
    hub.update_info("iter", 9)
    model = algorithms()[name]()
    model.data_preprocessor = BaseDataPreprocessor()
    data = batch_of(name, model)
    with fake_group(world_size), fake_cuda():
        model = change(model)
        to_fake(model)
        model.data_preprocessor._device = torch.device("cuda")
        data = tree_map(_to_fake, data)
        wrapper = optimizer_of(model, amp, accumulate, **optimizer)
        for _ in range(steps):
            with strict_collectives("cuda") as traffic, DispatchCounter("cuda") as mode:
                for _ in range(accumulate):
                    model.train_step(data, wrapper)
    return Seen(mode.counts, traffic)


def _to_fake(x):
    return fake_like(x.shape, x.dtype) if isinstance(x, torch.Tensor) else x

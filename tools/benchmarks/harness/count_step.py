"""What the step of a training config asks of a GPU, on fake CUDA tensors."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import BaseDataPreprocessor, convert_sync_batchnorm
from mmengine.optim import build_optim_wrapper

from mmtaskssl.engine.fake_tensors import to_fake
from mmtaskssl.engine.step_memory import part_samples
from mmtaskssl.models.algorithms import ElasticAlgorithm
from mmtaskssl.models.elastic.sync_norm import without_waiting
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.tables import head, row

from .bench import read_config
from .collectives import Traffic, strict_collectives
from .dispatch import Counts, DispatchCounter
from .fake_cuda import fake_cuda, fake_like

_GIB = 2**30
_MIB = 2**20


@dataclass(frozen=True)
class StepCount:
    """One step of one config.

    Attributes:
        name: Of its model.
        counts: Launches, waits and copies of a step, and the peak over two of them.
        traffic: Its collectives.
        error: What stopped it; None: nothing.
    """

    name: str
    counts: Counts
    traffic: Traffic
    error: str | None = None


@contextmanager
def fake_group(world_size: int) -> Iterator[None]:
    """A process group of that size in which nobody answers; 1: none."""
    if world_size == 1:
        yield
        return
    # Torch's own for tests; imported here, for it registers the backend.
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", rank=0, world_size=world_size, store=FakeStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


def count_step(
    config: str,
    world_size: int = 8,
    amp: bool = False,
    batch: int | None = None,
    sync_bn: bool = False,
) -> StepCount:
    """Runs two steps of a config without its views, and counts the second.

    Args:
        config: File of a training config.
        world_size: Processes that it believes in.
        amp: Whether to autocast to bfloat16; else float32, whatever the config says.
        batch: Images a process; None: the config's.
        sync_bn: Whether to synchronise batch norms, whatever the config says.
    """
    cfg = read_config(config)
    model = MODELS.build(cfg.model).train()
    size = model.data_preprocessor.view_size
    model.data_preprocessor = BaseDataPreprocessor()
    hub = MessageHub.get_instance(f"count{id(model)}")
    # In the last phase of a phased training.
    hub.update_info("iter", 999)
    hub.update_info("max_iters", 1000)
    traffic, error = Traffic(), None
    with fake_group(world_size), fake_cuda():
        if (sync_bn or cfg.get("sync_bn")) and world_size > 1:
            model = convert_sync_batchnorm(model, "torch")
            without_waiting(model)
        memory = DispatchCounter("cuda")
        with memory:
            to_fake(model)
        model.data_preprocessor._device = torch.device("cuda")
        data = _batch(model, batch or cfg.train_dataloader.batch_size, size)
        kept = ("optimizer", "paramwise_cfg", "constructor")
        optim = {
            key: cfg.optim_wrapper[key] for key in kept if key in cfg.optim_wrapper
        }
        optim["type"] = "BFloat16OptimWrapper" if amp else "mmengine.OptimWrapper"
        wrapper = build_optim_wrapper(model, optim)
        for group in wrapper.optimizer.param_groups:
            if group.get("foreach", 0) is None:
                group["foreach"] = True  # as torch decides on a GPU
        try:
            for _ in range(2):
                memory.counts = Counts(peak=memory.counts.peak)
                with strict_collectives("cuda") as traffic, memory:
                    model.train_step(data, wrapper)
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}".splitlines()[0]
    return StepCount(type(model).__name__, memory.counts, traffic, error)


def _batch(model: torch.nn.Module, n: int, size: int) -> dict:
    parts = 1
    if isinstance(model, ElasticAlgorithm) and hasattr(model, "kd_weight"):
        parts = len(model.subnets_of_step())
    views = [fake_like((n * parts, 3, size, size)) for _ in range(2)]
    data = {"inputs": views}
    if parts > 1:
        paths = model.subnets_of_step()[1:]
        data["data_samples"] = part_samples([n] * parts, paths)
    return data


def report(steps: Sequence[StepCount]) -> list[str]:
    """Returns a table of steps, then the places in which their hosts wait."""
    names = ("model", "launches", "waits", "collectives", "MiB", "GiB", "stopped by")
    lines = head(names)
    places: Counter[str] = Counter()
    for step in steps:
        traffic, counts = step.traffic, step.counts
        places += counts.waits
        lines.append(
            row(
                [
                    step.name,
                    f"{counts.num_launches:,}",
                    str(counts.waits.total()),
                    str(traffic.calls.total()),
                    f"{traffic.bytes.total() / _MIB:,.1f}",
                    f"{counts.peak / _GIB:.1f}",
                    (step.error or "")[:60],
                ]
            )
        )
    return lines + [f"{number:6d}  {place}" for place, number in places.most_common()]

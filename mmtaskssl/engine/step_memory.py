"""How much of a GPU's memory a config's training step takes, computed without one.

The whole step runs on fake tensors, which have shapes and types but no values: views,
forward and backward of each sub-net, averages, queue, optimizer. Counted are all
tensors that are alive at once, and the buckets in which `DistributedDataParallel`
exchanges gradients. Not counted are workspaces of cuDNN, the CUDA context, NCCL's
buffers, what the allocator cannot use between tensors, and making the views, which is
over before.
"""

import contextlib
import copy
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import BaseDataPreprocessor
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from ..config import load_config
from ..models.algorithms import ElasticAlgorithm
from ..models.algorithms.routed_base import RoutedAlgorithm
from ..networks.teacher import split_weights
from ..registry import MODELS
from ..subnets import Subnet
from ..utils import checks
from ..utils.families import BadValue, ConfigUnsuited
from .fake_tensors import to_fake
from .live_bytes import LiveBytes
from .parameter_groups import without_lines

GIB = 2**30

_LINE = re.compile(r"about ([\d.]+) GiB a GPU \(computed, not measured\)")


def step_memory(config: str | Path | Config, processes: int = 1) -> int:
    """Computes the bytes that a training step of one process takes at its peak.

    A step of sub-nets is the last of the training, when a routed one runs paths, too.

    Args:
        config: A training config of this package, or its file. Its wrapper
            `AutoPrecisionOptimWrapper` takes bfloat16, as on a GPU that has it.
        processes: Of the training: more than one have buckets of gradients.

    Raises:
        UserError: The model is none of this package's or of mmcls' classifiers.
    """
    checks.whole("processes", processes)
    cfg = config if isinstance(config, Config) else load_config(str(config))
    for key in (
        "model",
        "default_scope",
        "train_cfg",
        "train_dataloader",
        "optim_wrapper",
    ):
        if not cfg.get(key):
            name = cfg.filename or "this config"
            raise ConfigUnsuited(f"{name} is no training config: it has no {key}")
    with _scope(cfg), torch.random.fork_rng(devices=[]):
        model = MODELS.build(_untrained(cfg.model)).train()
        if hasattr(model, "after_start"):
            model.after_start("drawn weights")
        batch = _batch(model, cfg)
        model.data_preprocessor = BaseDataPreprocessor()
        with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes() as memory:
            to_fake(model, "cpu")
            with without_lines():
                wrapper = build_optim_wrapper(model, _with_bfloat16(cfg.optim_wrapper))
            state = _freeze_optimizer(wrapper)
            memory.peak = memory.live
            model.train_step(batch(), wrapper)
        del state
        trained = [p for p in model.parameters() if p.requires_grad]
    buckets = sum(p.nbytes for p in trained) if processes > 1 else 0
    return memory.peak + buckets


def processes_of(path: str | Path) -> int:
    """Returns the processes of a config by its name, ``..._16xb256-...``."""
    match = re.search(r"_(\d+)xb\d+-", Path(path).name)
    if match is None:
        raise BadValue(f"the name of {path} does not say for how many GPUs it is")
    return int(match[1])


def stated_memory(docstring: str) -> float | None:
    """Returns the GiB that a config's docstring states; None: it states none."""
    match = _LINE.search(" ".join(docstring.split()))
    return None if match is None else float(match[1])


def memory_line(size: int) -> str:
    """Returns what a docstring says of a number of bytes."""
    return f"about {size / GIB:.1f} GiB a GPU (computed, not measured)"


def fits(stated: float | None, size: int) -> bool:
    """Whether a docstring's GiB are a computed number of bytes, within 3 %."""
    if stated is None:
        return False
    return abs(stated - size / GIB) <= max(0.03 * size / GIB, 0.051)  # one digit


def with_memory_line(root: Path) -> list[Path]:
    """Returns the configs below a folder whose docstrings state their memory.

    Those of full size, and the small ones of 64 px.
    """
    sizes = ("in1k", "in1k-10p", "places205", "folder-64px", "folder-224px")
    ends = tuple(f"_{size}" for size in (*sizes, "public-224px"))
    return sorted(p for p in root.rglob("*.py") if p.stem.endswith(ends))


class _scope:
    """A default scope and a point of the training of its own, for one computation."""

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg

    def __enter__(self) -> None:
        self.kept = DefaultScope._instance_dict.copy()
        self.name = name = f"step_memory{id(self)}"
        DefaultScope.get_instance(name, scope_name=self.cfg.default_scope)
        length = self.cfg.train_cfg.get("max_iters") or 100
        hub = MessageHub.get_instance(name)
        hub.update_info("iter", length - 1)
        hub.update_info("max_iters", length)

    def __exit__(self, *error: object) -> None:
        DefaultScope._instance_dict.clear()
        DefaultScope._instance_dict.update(self.kept)
        MessageHub._instance_dict.pop(self.name, None)


def _freeze_optimizer(wrapper: OptimWrapper) -> list[Tensor]:
    """Makes the optimizer's state as a first step does; returns it.

    Further steps do nothing: what they borrow is less than the activations, which are
    gone by then, and on fake tensors they would take longer than all the rest.
    """
    optimizer = wrapper.optimizer
    groups = optimizer.param_groups
    trained = [p for group in groups for p in group["params"] if p.requires_grad]
    first = trained[0]
    first.grad = torch.empty_like(first)
    with contextlib.suppress(ZeroDivisionError):
        optimizer.step()  # Adam divides by what a fake count of steps has not
    first.grad = None
    values = [v for v in optimizer.state[first].values() if isinstance(v, Tensor)]
    copies = sum(value.shape == first.shape for value in values)
    optimizer.step = lambda *args, **kwargs: None
    return [torch.empty_like(p) for p in trained[1:] for _ in range(copies)]


def _with_bfloat16(config: Mapping[str, Any]) -> dict[str, Any]:
    config = dict(config)
    if config.get("type", "").endswith("AutoPrecisionOptimWrapper"):
        config = {"precision": "bfloat16", **config}
        if config["precision"] == "auto":
            config["precision"] = "bfloat16"
    return config


def _untrained(model: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a model's config without files of weights, its own and its teachers'."""
    found: dict[str, Any] = copy.deepcopy(dict(model))
    found.get("backbone", {}).pop("weights", None)
    parts: Any = found.get("distill") or ()
    listed: list[Any] = [parts] if isinstance(parts, Mapping) else list(parts)
    for part in listed:
        if str(part["teacher"]["type"]).endswith("NetworkTeacher"):
            network, _ = split_weights(part["teacher"]["network"])
            part["teacher"] |= {"network": network, "weights": "random"}
    return found


def _batch(model: nn.Module, cfg: Config) -> Callable[[], dict[str, Any]]:
    """Returns what makes a batch as the preprocessor hands it on."""
    loader, side = cfg.train_dataloader, cfg.model.data_preprocessor.view_size
    sizes = [loader.batch_size]
    if isinstance(model, RoutedAlgorithm):
        paths = model.subnets_of_step()[1:]
        own = (loader.get("batch_sampler") or {}).get("cluster_batch_size")
        sizes += [own or loader.batch_size] * len(paths)
    count = sum(sizes)
    sides = [side] * len(getattr(model.data_preprocessor, "recipes", (0,) * 2))
    local = getattr(model.data_preprocessor, "local_views", 0)
    sides += [getattr(model.data_preprocessor, "local_size", side)] * local
    sides += getattr(model.data_preprocessor, "teacher_sizes", ())

    def views() -> list[Tensor]:
        return [torch.empty(count, 3, side, side) for side in sides]

    if isinstance(model, RoutedAlgorithm):
        samples = part_samples(sizes, paths)
        return lambda: {"inputs": views(), "data_samples": samples}
    if isinstance(model, ElasticAlgorithm) or hasattr(model, "check_batch"):
        return lambda: {"inputs": views()}
    if hasattr(model, "head") and hasattr(model.head, "num_classes"):
        from mmcls.structures import ClsDataSample

        samples = [ClsDataSample().set_gt_label(torch.zeros(1).long())] * count
        return lambda: {"inputs": views()[0], "data_samples": samples}
    raise ConfigUnsuited(f"no batch is known for a {type(model).__name__}")


def part_samples(
    sizes: Sequence[int], paths: Sequence[Subnet]
) -> list[BaseDataElement]:
    """Returns what tells a routed step which image belongs to which part.

    Args:
        sizes: Images of each part: of the whole network, and of each path.
        paths: One less.
    """
    names = ["", *(".".join(str(max(g, 0)) for g in p.path or ()) for p in paths)]
    samples = []
    for part, (size, name) in enumerate(zip(sizes, names, strict=True)):
        for _ in range(size):
            sample = BaseDataElement()
            sample.set_field(part, "part", field_type="metainfo")
            sample.set_field(name, "path", field_type="metainfo")
            samples.append(sample)
    return samples

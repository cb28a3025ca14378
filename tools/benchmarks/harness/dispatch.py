"""What a training step asks of a device: launches, copies, host reads, memory.

Counted where PyTorch dispatches operations, so it needs no GPU: on real CPU tensors a
whole step can be counted, and under `fake_cuda` a step of which the tensors only claim
to lie on one.
"""

import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmtaskssl.engine.live_bytes import LiveBytes

# Their result, or the shape of it, depends on values: the host waits for the device.
_READS = {
    "_local_scalar_dense",
    "item",
    "is_nonzero",
    "nonzero",
    "nonzero_numpy",
    "equal",
    "masked_select",
    "_unique",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "bincount",
    "repeat_interleave",
}
_INDEXED = {"index", "index_put_", "index_put", "_index_put_impl_"}
# Nothing is computed: no kernel is launched.
_NO_KERNEL = {
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "resize_",
    "set_",
    "lift_fresh",
    "record_stream",
    "is_same_size",
    "is_pinned",
}
_COPIES = {"_to_copy", "copy_", "clone", "_foreach_copy_"}
_ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = ("mmtaskssl", "mmselfsup", "mmengine", "mmcls", "mmcv")


@dataclass
class Counts:
    """What one run asked of the device.

    Attributes:
        launches: Operations that run a kernel, by name; one of a list of tensors
            (``_foreach_*``) counts once.
        reads: Places in the code that wait for a value of the device, each
            ``file:line function (operation)``, with their number.
        to_device: Places that copy from the host and wait for it.
        to_device_async: Bytes copied from the host without waiting, if pinned.
        copies: Copies and conversions that stay on the device.
        peak: Bytes, of all tensors of the device that were alive at once, over those
            from before.
    """

    launches: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    to_device: Counter[str] = field(default_factory=Counter)
    to_device_async: int = 0
    copies: int = 0
    peak: int = 0

    @property
    def num_launches(self) -> int:
        """All launches."""
        return self.launches.total()

    @property
    def waits(self) -> Counter[str]:
        """All places in which the host waits for the device."""
        return self.reads + self.to_device


class DispatchCounter(TorchDispatchMode):
    """Counts what is dispatched within it; see `Counts`.

    To be entered inside of a `FakeTensorMode`, for which it makes up the values and
    shapes that only real numbers have, so that a step with a read runs to its end.

    Args:
        device: Type of the device that is looked at. On "cpu" a copy between devices
            does not show, for there is only one.

    Attributes:
        counts: So far.
    """

    def __init__(self, device: str = "cpu") -> None:
        super().__init__()
        self.device = device
        self.counts = Counts()
        self._memory = LiveBytes()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[-1]
        if func.namespace == "aten" and name in _READS:
            if any(self._is_here(x) for x in tree_leaves((args, kwargs))):
                self.counts.reads[f"{_place()} ({name})"] += 1
            if name in _ANSWERS and getattr(args[0], "constant", self) is None:
                return _ANSWERS[name](args[0])
        elif name in _INDEXED and any(map(self._is_mask, args[1])):
            self.counts.reads[f"{_place()} ({name} by mask)"] += 1
            if isinstance(args[0], FakeTensor) and name == "index":
                return _all_of(*args)
        if name in _UNKNOWN_TO_FAKES and isinstance(args[0], FakeTensor):
            out = _UNKNOWN_TO_FAKES[name](args[0])
        else:
            out = func(*args, **kwargs)
        self._count(func, name, args, kwargs, out)
        return out

    def _is_here(self, x: Any) -> bool:
        return isinstance(x, Tensor) and x.device.type == self.device

    def _is_mask(self, x: Any) -> bool:
        return self._is_here(x) and x.dtype == torch.bool

    def _count(self, func, name: str, args, kwargs, out) -> None:
        results = [x for x in tree_leaves(out) if isinstance(x, Tensor)]
        if name in ("_to_copy", "copy_"):
            self._count_copy(name, args, kwargs, results[0])
        here = [x for x in results if self._is_here(x)]
        for result in here:
            self._memory.add(result)
        self.counts.peak = max(self.counts.peak, self._memory.live)
        writes_here = not results and any(map(self._is_here, tree_leaves(args)))
        kernel = func.namespace != "prim" and name not in _NO_KERNEL
        if (here or writes_here) and kernel and not is_view(func):
            self.counts.launches[name] += 1
            self.counts.copies += name in _COPIES

    def _count_copy(self, name: str, args, kwargs, result: Tensor) -> None:
        if self.device == "cpu":
            return
        source = args[1] if name == "copy_" else args[0]
        if not isinstance(source, Tensor) or source.device == result.device:
            return
        waits = not kwargs.get("non_blocking", False)
        if name == "copy_" and len(args) > 2:
            waits = not args[2]
        if result.device.type == self.device:
            if waits:
                self.counts.to_device[f"{_place()} ({name})"] += 1
            else:
                self.counts.to_device_async += result.nbytes
        elif source.device.type == self.device:
            self.counts.reads[f"{_place()} ({name} to the host)"] += 1


def is_view(func) -> bool:
    """Whether an operation only shows memory in another shape."""
    returns = func._schema.returns
    return bool(returns) and all(
        r.alias_info is not None and not r.alias_info.is_write for r in returns
    )


def _scalar(tensor: Tensor) -> bool | int | float:
    if tensor.dtype == torch.bool:
        return False
    return 1.0 if tensor.dtype.is_floating_point else 0


def _all_of(tensor: Tensor, indices: list) -> Tensor:
    """As if the first index, a mask, were true everywhere."""
    mask = indices[0]
    return tensor.new_empty((mask.numel(), *tensor.shape[mask.dim() :]))


# What a fake tensor answers where only a value could tell.
_ANSWERS = {
    "_local_scalar_dense": _scalar,
    "is_nonzero": lambda tensor: False,
    "nonzero": lambda x: x.new_empty((x.numel(), x.dim()), dtype=torch.long),
    "masked_select": lambda x: x.new_empty(x.numel()),
}


def _per_channel(x: Tensor) -> tuple[Tensor, Tensor]:
    kind = torch.float32 if x.dtype in (torch.float16, torch.bfloat16) else x.dtype
    return tuple(x.new_empty(x.shape[1], dtype=kind) for _ in range(2))


# Kernels of synchronised batch norm, of which PyTorch has only those for GPUs.
_UNKNOWN_TO_FAKES = {
    "batch_norm_stats": _per_channel,
    "batch_norm_gather_stats_with_counts": _per_channel,
    "batch_norm_elemt": torch.empty_like,
}


def _place() -> str:
    """Where in one of the OpenMMLab packages, or else in this program, we are."""
    frames = traceback.extract_stack()[:-2]
    fallback = frames[-1]
    for frame in reversed(frames):
        if frame.filename == __file__:
            continue
        name = _inside_package(frame.filename)
        if name.split("/")[0] in _PACKAGES:
            return f"{name}:{frame.lineno} {frame.name}"
        if fallback is frames[-1] and not name.startswith("torch/"):
            fallback = frame
    return f"{Path(fallback.filename).name}:{fallback.lineno} {fallback.name}"


def _inside_package(file: str) -> str:
    """The path of an installed file from its package on, or of one of ours."""
    parts = Path(file).parts
    if "site-packages" in parts:
        return "/".join(parts[parts.index("site-packages") + 1 :])
    if Path(file).is_relative_to(_ROOT):
        return Path(file).relative_to(_ROOT).as_posix()
    return Path(file).as_posix()

"""Collectives under NCCL's rules, on any backend, and a record of them."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils._pytree import tree_leaves

#: Collectives of tensors that Python code calls; DDP's own are in C++.
TENSOR_CALLS = (
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_single",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "broadcast",
    "gather",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "scatter",
)
#: They pickle to the host and back: the host waits.
OBJECT_CALLS = ("all_gather_object", "broadcast_object_list", "gather_object")
# Every process gives equal shapes; the others' may differ by design.
_EQUAL = {
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_single",
    "all_reduce",
    "broadcast",
    "reduce",
}


class StrictError(RuntimeError):
    """NCCL would refuse, hang or return rubbish here."""


@dataclass
class Traffic:
    """The collectives of a run.

    Attributes:
        calls: By name.
        bytes: Received by a process, by name.
        places: Function that called, with the bytes.
        objects: Collectives of pickled objects, for which the host waits.
    """

    calls: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    objects: int = 0


@contextmanager
def strict_collectives(device: str | None = None) -> Iterator[Traffic]:
    """Holds `torch.distributed` to NCCL's rules; gloo takes more.

    Tensors are contiguous, on ``device``, and equal in shape and type in all processes
    where the collective asks for it. The last is checked by a message of its own, but
    for tensors of a fake device or group, of which there is one process.

    Args:
        device: Type of the device; None: any.

    Yields:
        What was sent.

    Raises:
        StrictError: From the collective that breaks a rule.
    """
    traffic = Traffic()
    names = [n for n in (*TENSOR_CALLS, *OBJECT_CALLS) if hasattr(dist, n)]
    originals = {name: getattr(dist, name) for name in names}
    with ExitStack() as stack:
        for name in set(TENSOR_CALLS) & set(names):
            call = _strict(name, originals, device, traffic)
            stack.enter_context(mock.patch.object(dist, name, call))
        for name in OBJECT_CALLS:
            call = _counted(originals[name], traffic)
            stack.enter_context(mock.patch.object(dist, name, call))
        yield traffic


def _strict(
    name: str, originals: dict[str, Callable], device: str | None, traffic: Traffic
) -> Callable:
    original = originals[name]

    def call(*args, **kwargs):
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        for tensor in tensors:
            _check(name, tensor, device)
        group = kwargs.get("group")
        fake = any(_is_fake(x) for x in tensors) or dist.get_backend(group) == "fake"
        if name in _EQUAL and not fake and device != "cuda":
            _check_equal(name, tensors, originals["all_gather_object"], group)
        _record(traffic, name, args, tensors)
        if any(map(_is_fake, tensors)):
            # Of a fake tensor there is nothing to send: the results are there.
            return None
        return original(*args, **kwargs)

    return call


def _check(name: str, tensor: Tensor, device: str | None) -> None:
    if not tensor.is_contiguous():
        raise StrictError(
            f"{name} of a tensor that is not contiguous: shape {tuple(tensor.shape)}, "
            f"strides {tensor.stride()}"
        )
    if device is not None and tensor.device.type != device:
        raise StrictError(f"{name} of a tensor on {tensor.device}, not on {device}")
    if tensor.is_sparse:
        raise StrictError(f"{name} of a sparse tensor")


def _check_equal(name: str, tensors: list[Tensor], gather: Callable, group) -> None:
    mine = [(tuple(x.shape), str(x.dtype)) for x in tensors]
    everyone: list[Any] = [None] * dist.get_world_size(group)
    gather(everyone, (name, mine), group=group)
    if any(other != everyone[0] for other in everyone):
        raise StrictError(f"{name} of unlike tensors: {everyone}")


def _record(traffic: Traffic, name: str, args: tuple, tensors: list[Tensor]) -> None:
    received = tree_leaves(args[0]) if args else tensors[:1]
    size = sum(x.nbytes for x in received if isinstance(x, Tensor))
    traffic.calls[name] += 1
    traffic.bytes[name] += size
    traffic.places[f"{_caller()} ({name})"] += size


def _counted(original: Callable, traffic: Traffic) -> Callable:
    def call(*args, **kwargs):
        traffic.objects += 1
        return original(*args, **kwargs)

    return call


def _is_fake(tensor: Tensor) -> bool:
    return isinstance(tensor, torch._subclasses.FakeTensor)


def _caller() -> str:
    for frame in reversed(traceback.extract_stack()[:-3]):
        if "/mmtaskssl/" in frame.filename and not frame.filename.endswith(
            "collectives.py"
        ):
            return frame.name
    return "SyncBatchNorm" if _in_sync_norm() else "other"


def _in_sync_norm() -> bool:
    files = (frame.filename for frame in traceback.extract_stack())
    return any(name.endswith("modules/_functions.py") for name in files)

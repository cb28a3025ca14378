"""Kernels that a piece of code launches, and the bytes that they read and write."""

from collections import Counter

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from .dispatch import is_view

# Memory is only reserved, or seen in another shape.
_NO_KERNEL = {
    "empty",
    "empty_like",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
    "lift_fresh",
    "_unsafe_view",
}
# Of their first argument they read no more than they return.
_READ_SOME = {"index_select", "gather", "index"}
# Of their first argument they write no more than they are given, and read none.
_WRITE_SOME = {"index_copy_", "scatter_", "copy_"}


class TrafficCounter(TorchDispatchMode):
    """Counts the operations that are dispatched within it, views left out.

    Eager PyTorch launches a kernel or two for each, on whatever device, so that a run
    on CPU or meta tensors tells what an accelerator would be asked for.

    Attributes:
        launches (Counter): Operations by name.
        num_bytes (Counter): Read and written by them, by name: the elements of the
            tensors that they take and return, those of an expanded one once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.launches: Counter[str] = Counter()
        self.num_bytes: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func._schema.name.split("::")[-1]
        if name in _NO_KERNEL or is_view(func):
            return out
        self.launches[name] += 1
        given = {key: value for key, value in kwargs.items() if key != "out"}
        written = _num_bytes(out)
        if name in _READ_SOME:
            read = _num_bytes((args[1:], given)) + written
        elif name in _WRITE_SOME:
            read = _num_bytes((args[1:], given))
            written = min(written, _num_bytes(args[-1]))
        else:
            read = _num_bytes((args, given))
        self.num_bytes[name] += read + written
        return out


def _num_bytes(tree: object) -> int:
    return sum(map(_of_tensor, tree_leaves(tree)))


def _of_tensor(x: object) -> int:
    if not isinstance(x, Tensor):
        return 0
    elements = 1
    for length, stride in zip(x.shape, x.stride(), strict=True):
        elements *= length if stride or not length else 1
    return elements * x.element_size()

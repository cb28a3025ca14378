"""The memory of all tensors that are alive, counted where PyTorch dispatches."""

import weakref

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# CUDA's allocator hands out multiples of it.
_BLOCK = 512


class LiveBytes(TorchDispatchMode):
    """Counts the storages of tensors made within it, until they are freed.

    Whatever an operation keeps for its backward pass is counted, views once. What a
    kernel takes and gives back while it runs, such as a workspace of cuDNN, is not.

    To be entered inside of a `FakeTensorMode`, if there is one: a value that the host
    asks of a fake tensor is answered with 0, so that a step with such a read runs on.

    Attributes:
        live: Bytes now.
        peak: The most so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default:
            (asked,) = args
            if isinstance(asked, FakeTensor):
                return False if asked.dtype == torch.bool else 0
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return out

    def add(self, tensor: Tensor) -> None:
        """Counts a tensor from before, too."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = -(-storage.nbytes() // _BLOCK) * _BLOCK
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size

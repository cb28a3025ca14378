"""Exchanging a batch's images between processes, and what became of them back."""

import numpy as np
import torch
import torch.distributed as dist
from mmengine.dist import get_rank, get_world_size
from torch import Tensor


class BatchShuffle:
    """One random order of the images of all processes (MoCo, section 3.3).

    Without it a query and its key share their batch-norm statistics, by which the
    network can tell them from the rest.

    Each process sends every other only the rows that it needs, in one all-to-all: it
    receives its own share, where gathering all images would bring it world size times
    as much. Who sends what follows from the order, which every process draws on its
    host, so nobody waits for a device.

    Args:
        batch_size: Images of each process; equal in all of them.
        seed: Of the order; equal in all processes.
        device: Of the tensors that are to be exchanged.
    """

    def __init__(self, batch_size: int, seed: int, device: torch.device) -> None:
        world_size, rank = get_world_size(), get_rank()
        # Of each process, shuffled: whose images, and which of theirs.
        shares = draw_order(batch_size * world_size, seed).reshape(world_size, -1)
        owners, rows = np.divmod(shares, batch_size)
        # To each process in turn the rows of mine that it is to have.
        mine = owners == rank
        self._sent = mine.sum(axis=1).tolist()
        send = rows[mine]
        # From each process in turn what it sent; and where that belongs in my share.
        self._received = np.bincount(owners[rank], minlength=world_size).tolist()
        arrived = np.argsort(owners[rank], kind="stable")
        indices = np.stack([send, np.argsort(arrived), arrived, np.argsort(send)])
        indices = to_device(torch.from_numpy(indices), device)
        self._send, self._place, self._arrived, self._own = indices.unbind()

    def forth(self, x: Tensor) -> Tensor:
        """Returns this process's share (N, ...) of the shuffled rows.

        Args:
            x: This process's rows (N, ...).
        """
        return _exchange(x[self._send], self._received, self._sent)[self._place]

    def back(self, x: Tensor) -> Tensor:
        """Returns to their processes what became of the rows.

        Args:
            x: Of this process's share, (N, ...).

        Returns:
            Of this process's own rows, (N, ...).
        """
        return _exchange(x[self._arrived], self._sent, self._received)[self._own]


def draw_order(size: int, seed: int) -> np.ndarray:
    """Returns a random order of ``size`` things, on the host."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(size, generator=generator, device="cpu").numpy()


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copies a host tensor without waiting for the device.

    Args:
        tensor: On the host.
        device: Where it is needed.
    """
    if device.type == "cpu":
        return tensor
    if torch.cuda.is_available():
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def _exchange(x: Tensor, received: list[int], sent: list[int]) -> Tensor:
    # NCCL takes one dense block; an index keeps the strides of a transposed tensor.
    x = x.contiguous()
    out = torch.empty_like(x)
    dist.all_to_all_single(out, x, received, sent)
    return out

"""Copies to a device that the host does not wait for."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

_ALIGNMENT = 16  # bytes, enough for any number format


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copies a tensor to a device, without waiting where that is possible.

    Only from pinned memory is a copy to a GPU one that the host need not wait for.

    Args:
        tensor: Returned itself if it is there already.
        device: Any.
    """
    device = torch.device(device)
    if tensor.device.type == "cpu" and device.type == "cuda" and _has_runtime():
        tensor = tensor if tensor.is_pinned() else tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def send(arrays: Mapping[str, np.ndarray], device: torch.device) -> dict[str, Tensor]:
    """Copies many small arrays to a device at once, without waiting.

    Args:
        arrays: Of any shapes and number formats.
        device: Where to.

    Returns:
        Tensors of the same values, which share one block of memory.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places, end = {}, 0
    for name, array in arrays.items():
        places[name] = slice(end, end + array.nbytes)
        end += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    block = np.empty(end, np.uint8)
    for name, array in arrays.items():
        block[places[name]] = array.reshape(-1).view(np.uint8)
    block = to_device(torch.from_numpy(block), device)
    return {
        name: block[places[name]]
        .view(torch.from_numpy(np.empty(0, array.dtype)).dtype)
        .view(array.shape)
        for name, array in arrays.items()
    }


def _has_runtime() -> bool:
    # A tensor on a GPU has started it; tensors that only claim to be there have not.
    return torch.cuda.is_initialized()

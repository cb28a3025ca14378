from collections.abc import Sequence
from numbers import Number
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from mmtaskssl.registry import FUNCTIONS


@FUNCTIONS.register_module()
def pack_images(samples: Sequence[dict]) -> dict:
    """Collates images of different sizes into one block of memory.

    A worker hands one block to the training process where a list would need a file
    descriptor per image, of which a process commonly has 1,024; nothing is padded. The
    block is written once, straight into the memory that both processes share.
    `TwoViewPreprocessor` also takes the lists of mmengine's default
    ``pseudo_collate``.

    Args:
        samples: Each with ``inputs``, uint8 (3, H, W).

    Returns:
        ``inputs`` (P, 3) uint8: the pixels of all images, row by row; ``sizes`` (N, 2)
        int64: their heights and widths; every other key: a tensor for numbers and for
        tensors of one shape, else a list.
    """
    pixels = [sample["inputs"].permute(1, 2, 0).reshape(-1, 3) for sample in samples]
    batch = {
        "inputs": _joined(pixels),
        "sizes": torch.tensor([sample["inputs"].shape[1:] for sample in samples]),
    }
    for key in samples[0]:
        if key != "inputs":
            batch[key] = _collated([sample[key] for sample in samples])
    return batch


def count_images(batch: dict) -> int:
    """Returns the number of images of a batch, however it was collated.

    Args:
        batch: As `pack_images` makes it; or with ``inputs``, a tensor (N, ...), a list
            of N images (C, H, W), or one of views (N, C, H, W).
    """
    if "sizes" in batch:
        return len(batch["sizes"])
    inputs = batch["inputs"]
    if not isinstance(inputs, Tensor) and inputs and _is_batch(inputs[0]):
        return len(inputs[0])
    return len(inputs)


def _is_batch(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dim() == 4


def _joined(pixels: Sequence[Tensor]) -> Tensor:
    if get_worker_info() is None:
        return torch.cat(pixels)
    # Else the worker would copy the block once more to hand it over.
    shape = sum(map(len, pixels)), 3
    block = pixels[0].new_empty(0)
    num_bytes = shape[0] * shape[1] * block.element_size()
    block.set_(block.untyped_storage()._new_shared(num_bytes))
    return torch.cat(pixels, out=block.view(shape))


def _collated(values: list) -> Tensor | list:
    if all(isinstance(value, Number) for value in values):
        return torch.tensor(values)
    tensors = all(isinstance(value, Tensor) for value in values)
    if tensors and len({value.shape for value in values}) == 1:
        return torch.stack(values)
    return values

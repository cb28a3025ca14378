from collections.abc import Sequence
from numbers import Number

import torch

from mmtaskssl.registry import FUNCTIONS


@FUNCTIONS.register_module()
def pack_images(samples: Sequence[dict]) -> dict:
    """Collates images of different sizes into one block of memory.

    A worker hands one block to the training process where a list would need a file
    handle per image; nothing is padded. `TwoViewPreprocessor` also takes the lists of
    mmengine's default ``pseudo_collate``.

    Args:
        samples: Each with ``inputs``, uint8 (3, H, W).

    Returns:
        ``inputs`` (P, 3) uint8: the pixels of all images, row by row; ``sizes`` (N, 2)
        int64: their heights and widths; every other key: a tensor for numbers, else
        a list.
    """
    pixels = [sample["inputs"].permute(1, 2, 0).reshape(-1, 3) for sample in samples]
    batch = {
        "inputs": torch.cat(pixels),
        "sizes": torch.tensor([sample["inputs"].shape[1:] for sample in samples]),
    }
    for key in samples[0]:
        if key != "inputs":
            values = [sample[key] for sample in samples]
            numbers = all(isinstance(value, Number) for value in values)
            batch[key] = torch.tensor(values) if numbers else values
    return batch

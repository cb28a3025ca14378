"""The images of a batch, in the two forms that the two ways to make views want."""

import numpy as np
import torch
from torch import Tensor


def batch_sizes(data: dict) -> np.ndarray:
    """Returns the heights and widths (N, 2) int64 of a loaded batch.

    Args:
        data: As ``pack_images`` or mmengine's ``pseudo_collate`` makes it.
    """
    if "sizes" in data:
        return data["sizes"].cpu().numpy()
    return np.array([image.shape[1:] for image in data["inputs"]], np.int64)


def as_list(data: dict, sizes: np.ndarray) -> list[Tensor]:
    """Returns the images as N views (3, H, W)."""
    if "sizes" not in data:
        return list(data["inputs"])
    parts = data["inputs"].split(sizes.prod(1).tolist())
    return [
        part.view(height, width, 3).permute(2, 0, 1)
        for part, (height, width) in zip(parts, sizes.tolist(), strict=True)
    ]


def as_block(data: dict) -> Tensor:
    """Returns the pixels of all images, row by row, as one tensor (P, 3)."""
    if "sizes" in data:
        return data["inputs"]
    return torch.cat([x.permute(1, 2, 0).reshape(-1, 3) for x in data["inputs"]])

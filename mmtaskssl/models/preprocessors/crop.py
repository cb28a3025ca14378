"""Cutting boxes out of images of different sizes and resizing them to one."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def crop_resize(
    images: Sequence[Tensor], boxes: Tensor, flip: Tensor, size: int, mode: str
) -> Tensor:
    """Cuts one box out of each image, resizes it with antialiasing, flips it.

    Args:
        images: N tensors (3, H, W), uint8, of any sizes.
        boxes: (N, 4) int64: top, left, height, width.
        flip: (N,) bool.
        size: Side of the result.
        mode: "bilinear" or "bicubic".

    Returns:
        (N, 3, size, size) uint8.
    """
    out = torch.empty(
        (len(images), 3, size, size), dtype=torch.uint8, device=images[0].device
    )
    for i, (image, box) in enumerate(zip(images, boxes.tolist(), strict=True)):
        top, left, height, width = box
        crop = image[None, :, top : top + height, left : left + width]
        if image.device.type != "cpu":
            crop = crop.float()
        view = functional.interpolate(
            crop, (size, size), mode=mode, antialias=True, align_corners=False
        )
        if view.dtype != torch.uint8:
            view = view.round_().clamp_(0, 255)
        out[i] = view[0].flip(-1) if flip[i] else view[0]
    return out

"""The training images of a task."""

import functools
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..datasets.eval_transform import EvalTransform
from ..datasets.folders import is_folder
from ..datasets.images import BrokenImage, folder_labels, list_images
from ..datasets.left_out import check_classes
from ..utils.errors import option
from ..utils.families import BadValue, FileMissing, ImagesUnreadable, TargetTooSmall
from ..utils.hashing import lines_sha256
from ..utils.remote.addresses import shown


@dataclass(frozen=True, eq=False)
class Task:
    """What a task is routed by.

    Attributes:
        root: Folder of the images.
        image_ids: Their ids.
        pixels: (N, S, S, 3) uint8.
        y: (N,) class indices; None without labels.
        class_names: C names.
        unused: Images left out to save time.
        broken: Images that cannot be read.
        transform: How they were cropped and are normalised.
    """

    root: Path
    image_ids: list[str]
    pixels: Tensor
    y: Tensor | None
    class_names: list[str]
    unused: int
    broken: int
    transform: EvalTransform

    def __len__(self) -> int:
        return len(self.image_ids)

    def batches(self, size: int) -> Iterator[Tensor]:
        """Yields normalised images (N, 3, S, S), at most ``size`` at once."""
        for pixels in self.pixels.tensor_split(math.ceil(len(self) / size)):
            yield self.transform.normalize(pixels).contiguous()

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of pixels and classes: equal tasks, equal hash."""
        digest = hashlib.sha256(self.pixels.numpy())
        if self.y is not None:
            digest.update(self.y.numpy().tobytes())
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Returns what tells this task from any other."""
        return {
            "root": str(self.root),
            "images": len(self),
            "ids_sha256": lines_sha256(self.image_ids),
            "classes": len(self.class_names),
            "unused": self.unused,
            "broken": self.broken,
            "transform": self.transform.describe(),
        }


def read_task(
    target: str | Path,
    transform: EvalTransform,
    max_images: int = 2000,
    seed: int = 0,
    labels: bool = True,
) -> Task:
    """Reads ``target/train``; no other folder of ``target`` is ever looked into.

    Args:
        target: Has ``train/CLASS/IMAGE``; ``train/IMAGE`` is enough without labels.
        transform: Crops and normalises.
        max_images: Of more, this many are drawn at random.
        seed: Of the draw.
        labels: Whether the first folder of an image names its class.

    Raises:
        UserError: No such folder, no image that can be read, images without a class
            folder, or fewer than two classes.
    """
    folder = Path(target) / "train"
    if not is_folder(folder):
        raise FileMissing(
            f"{shown(folder)} does not exist: a task is routed by the images in its "
            "folder train (its test images are never looked at)"
        )
    if max_images < 2:
        raise BadValue(f"routing needs at least two images, not {max_images}")
    root, names = list_images(str(folder))
    if labels:
        check_classes(folder, {*folder_labels(names)})
    order = np.random.default_rng(seed).permutation(len(names))[:max_images]
    names, unused = [names[i] for i in sorted(order)], len(names) - len(order)
    pixels, ids = [], []
    for name in names:
        try:
            pixels.append(torch.from_numpy(transform.read(root / name).copy()))
            ids.append(name)
        except BrokenImage:
            continue
    if not ids:
        raise ImagesUnreadable(f"none of the images in {folder} can be read")
    y, classes = None, []
    if labels:
        found = folder_labels(ids)
        classes = sorted(set(found))
        if len(classes) < 2:
            raise TargetTooSmall(
                f"{folder} has one class only ({classes[0]}): routing by labels needs "
                f"two; take {option('router')} overlap, which needs none"
            )
        y = torch.tensor([classes.index(label) for label in found])
    return Task(
        root,
        ids,
        torch.stack(pixels),
        y,
        classes,
        unused,
        len(names) - len(ids),
        transform,
    )

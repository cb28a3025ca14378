"""Batch-norm calibration of a checkpoint's sub-nets on a source of images."""

import hashlib
import json
import math
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor

from ..datasets.eval_transform import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    EvalTransform,
    pixel_statistics,
)
from ..datasets.images import BrokenImage, list_images
from ..models.elastic import collect_statistics
from ..subnets import Subnet
from ..utils.atomic import atomic_path
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError
from ..utils.hashing import lines_sha256
from ..weights import read_part
from .source import Source


@dataclass(frozen=True)
class ImageSample:
    """Images that statistics are taken from, the same for every sub-net.

    Attributes:
        pixels: (N, S, S, 3) uint8.
        ids: Their ids, in order.
        transform: How they were cropped and are normalised.
        batch_size: Most images a batch.
    """

    pixels: Tensor
    ids: list[str]
    transform: EvalTransform
    batch_size: int

    def __iter__(self) -> Iterator[Tensor]:
        """Yields normalised batches (N, 3, S, S) of nearly equal size."""
        parts = math.ceil(len(self.ids) / self.batch_size)
        for pixels in self.pixels.tensor_split(parts):
            yield self.transform.normalize(pixels).contiguous()

    def describe(self) -> dict[str, Any]:
        """Returns what tells this sample from any other."""
        pixels = hashlib.sha256(self.pixels.numpy())
        return {
            "images": len(self.ids),
            "ids_sha256": lines_sha256(self.ids),
            "pixels_sha256": pixels.hexdigest(),
            "batch_size": self.batch_size,
            "transform": self.transform.describe(),
        }


def draw_images(
    source: str,
    transform: EvalTransform,
    count: int = 1024,
    batch_size: int = 64,
    seed: int = 0,
    root: str | None = None,
) -> ImageSample:
    """Draws images at random, the same ones for the same seed.

    Args:
        source: Folder, ``.txt``, ``.csv`` or ``.jsonl``, see `list_images`.
        transform: Crops and normalises.
        count: How many; all, if there are fewer.
        batch_size: Most images a batch.
        seed: Of the draw.
        root: Folder that listed paths are relative to.

    Raises:
        UserError: Bad numbers, or no image can be read.
    """
    if count < 1 or batch_size < 2:
        raise UserError(
            "calibration needs at least one image, and two images a batch: got "
            f"{count} and {batch_size}"
        )
    folder, names = list_images(source, root)
    # Sorted and shuffled: independent of the order of a list, and classes are mixed.
    names = sorted(set(names))
    random.Random(seed).shuffle(names)
    pixels, ids = [], []
    for name in names:
        if len(ids) == count:
            break
        try:
            pixels.append(torch.from_numpy(transform.read(folder / name).copy()))
            ids.append(name)
        except BrokenImage as error:
            print_log(f"skipped {error}", "current")
    if not ids:
        raise UserError(f"none of the images of {source} can be read")
    return ImageSample(torch.stack(pixels), ids, transform, batch_size)


def config_transform(cfg: Config, image_size: int | None) -> EvalTransform:
    """Returns the evaluation transform of a training config.

    Args:
        cfg: Its ``model.data_preprocessor`` gives mean, standard deviation and size.
        image_size: Side of the crop, instead of the config's.
    """
    model = cfg.get("model") or {}
    options = model.get("data_preprocessor") or cfg.get("data_preprocessor") or {}
    mean, std = pixel_statistics(
        options.get("mean") or IMAGENET_MEAN, options.get("std") or IMAGENET_STD
    )
    return EvalTransform(image_size or options.get("view_size") or 224, mean, std)


def calibrate_source(
    source: Source,
    subnets: Sequence[Subnet],
    sample: ImageSample,
    out: str | Path,
    device: str | torch.device = AUTO,
) -> dict[str, Any]:
    """Writes a checkpoint with the statistics of sub-nets added.

    Each sub-net's statistics are kept beside ``out`` as soon as they are known, so the
    same call after an interruption goes on with the next one.

    Args:
        source: Backbone and checkpoint.
        subnets: Which to calibrate.
        sample: On what.
        out: The checkpoint to write: weights and statistics, no optimizer.
        device: Where to compute; see `pick_device`.

    Returns:
        The ``meta`` of the checkpoint.
    """
    device = pick_device(device)
    meta = {
        "calibration": {
            **sample.describe(),
            "subnets": [subnet.name for subnet in subnets],
        },
        "source": source.meta,
    }
    identity = [sample.describe(), source.meta, str(device)]
    key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    parts = Path(f"{out}.parts")
    state, backbone = dict(source.state), source.backbone.to(device)
    for number, subnet in enumerate(subnets, 1):
        part = parts / f"{key}-{subnet.name}.pt"
        if part.is_file():
            statistics = read_part(part)
        else:
            statistics = collect_statistics(backbone, subnet, sample).cpu()
            with atomic_path(part) as temporary:
                torch.save(statistics, temporary)
        state[f"{source.prefix}subnet_statistics.{subnet.name}"] = statistics
        print_log(f"calibrated {number}/{len(subnets)}: {subnet}", "current")
    with atomic_path(out) as temporary:
        torch.save({"state_dict": state, "meta": meta}, temporary)
    shutil.rmtree(parts, ignore_errors=True)
    return meta

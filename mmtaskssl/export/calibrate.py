"""Batch-norm calibration of a checkpoint's sub-nets on a source of images."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log

from ..datasets.image_sample import ImageSample, draw_images
from ..models.elastic import collect_statistics
from ..networks import Network, preprocessing_of
from ..subnets import Subnet
from ..utils.atomic import atomic_path
from ..utils.devices import AUTO, pick_device
from ..weights import read_part

# Their former place.
config_transform = preprocessing_of
__all__ = ["ImageSample", "calibrate_source", "config_transform", "draw_images"]


def calibrate_source(
    source: Network,
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

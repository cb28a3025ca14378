"""From whatever names a network to what runs it on images."""

import os
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from mmengine.config import Config

from ..config import ExportInfo
from ..datasets.eval_transform import EvalTransform
from ..utils.cores import num_cores
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError
from .extractor import FeatureExtractor, build_extractor
from .library import is_library_name
from .runner import BatchRunner

#: A config, an export's folder, ``torchvision:NAME`` or ``timm:NAME``.
NetworkName: TypeAlias = str | os.PathLike | Config
#: One of these, alone or with its weights (a file, or "random"); or what is built.
NetworkLike: TypeAlias = (
    NetworkName | tuple[NetworkName, str | os.PathLike | None] | FeatureExtractor
)


def open_extractor(
    network: NetworkLike,
    source: Literal["online", "ema"] = "online",
    seed: int = 0,
    trust: bool = False,
) -> FeatureExtractor:
    """Returns the network that extracts features.

    Args:
        network: An extractor that is built already is returned as it is. A config
            needs weights: ``(config, checkpoint)``. An export has its own, and a
            torchvision name without any takes the library's own if they are in its
            download cache; nothing is downloaded.
        source: See `build_extractor`.
        seed: See `build_extractor`.
        trust: See `build_extractor`.

    Raises:
        UserError: See `build_extractor`; no weights, or two kinds of them.
    """
    if isinstance(network, FeatureExtractor):
        return network
    name, weights = network if isinstance(network, tuple) else (network, None)
    if not isinstance(name, Config):
        name = os.fspath(name)
        if is_library_name(name):
            weights = weights or "default"
        elif Path(name).is_dir():
            name, weights = _export(name, weights)
    if not weights:
        raise UserError(
            f"{name if isinstance(name, str) else 'a config'} needs weights: a "
            "checkpoint, or 'random' for an untrained network"
        )
    weights = os.fspath(weights)
    return build_extractor(name, weights, source, seed, trust)


def open_runner(
    network: NetworkLike,
    *,
    source: Literal["online", "ema"] = "online",
    seed: int = 0,
    trust: bool = False,
    image_size: int | None = None,
    batch_size: int = 128,
    workers: int | None = None,
    device: str | torch.device = AUTO,
    amp: bool = False,
) -> BatchRunner:
    """Returns a network with all that reading images and running it takes.

    Args:
        network: See `open_extractor`, as for ``source``, ``seed`` and ``trust``.
        source: See above.
        seed: See above.
        trust: See above.
        image_size: Side of the centre crop, pixels; None: the network's, else 224.
        batch_size: Images at once.
        workers: Processes that read images; None: by the number of cores.
        device: See `pick_device`.
        amp: Half precision where the device is CUDA.

    Raises:
        UserError: See `open_extractor` and `BatchRunner`.
    """
    extractor = open_extractor(network, source, seed, trust)
    transform = EvalTransform(
        image_size or extractor.image_size or 224, extractor.mean, extractor.std
    )
    device = pick_device(device)
    if workers is None:
        cores = num_cores()
        workers = min(cores, 8) if device.type == "cuda" else min(cores - 1, 4)
    return BatchRunner(extractor, transform, device, batch_size, workers, amp)


def _export(folder: str, weights: str | os.PathLike | None) -> tuple[Config, str]:
    """Returns the network of an export as a config, and its weights."""
    if weights not in (None, "random"):
        raise UserError(
            f"{folder} is an export, which has its own weights: name no others, but "
            "'random' for its architecture untrained"
        )
    export = ExportInfo.read(folder, trained=weights is None)
    return export.network_config(), str(weights or export.weights)

"""Command-line options that the tools which extract features share."""

import argparse
from pathlib import Path, PurePosixPath

from mmengine.config import Config

from ..transfer.export_info import ExportInfo
from ..utils.cores import num_cores
from ..utils.devices import add_device_option, pick_device
from ..utils.errors import UserError
from ..utils.options import add_pixel_option, add_trust_option
from .extractor import FeatureExtractor, build_extractor
from .runner import BatchRunner
from .transform import EvalTransform


def add_extractor_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `runner_from_options` reads."""
    group = parser.add_argument_group("extractor")
    group.add_argument(
        "--model",
        help="torchvision:NAME or timm:NAME instead of CONFIG and CKPT",
    )
    group.add_argument(
        "--weights",
        help="weights file for --model, or 'random'; without it torchvision's own "
        "weights if they are in its download cache (nothing is downloaded)",
    )
    group.add_argument(
        "--source",
        choices=("online", "ema"),
        default="online",
        help="trained encoder, or its moving average (MoCo, BYOL)",
    )
    add_trust_option(group)
    add_pixel_option(group)
    group.add_argument(
        "--seed", type=int, default=0, help="weights of an untrained network"
    )
    group.add_argument(
        "--image-size",
        type=int,
        help="side of the centre crop, pixels (default: the config's, else 224)",
    )
    group.add_argument("--batch-size", type=int, default=128)
    group.add_argument("--workers", type=int, help="processes that read images")
    add_device_option(group)
    group.add_argument("--amp", action="store_true", help="half precision on CUDA")


def runner_from_options(
    args: argparse.Namespace, config: str | None, checkpoint: str | None
) -> BatchRunner:
    """Builds the extractor that the options name, and what runs it.

    Args:
        args: Parsed options of `add_extractor_options`.
        config: CONFIG, or EXPORT_DIR, or None with ``--model``.
        checkpoint: CKPT or "random", or None with ``--model``; None with EXPORT_DIR
            for its weights.

    Raises:
        UserError: Options that contradict or lack something.
    """
    return runner_of(_extractor(args, config, checkpoint), args)


def runner_of(extractor: FeatureExtractor, args: argparse.Namespace) -> BatchRunner:
    """Returns what runs an extractor as the options say.

    Args:
        extractor: The network.
        args: Parsed options of `add_extractor_options`.
    """
    transform = EvalTransform(
        args.image_size or extractor.image_size or 224, extractor.mean, extractor.std
    )
    device = pick_device(args.device)
    workers = args.workers
    if workers is None:
        cores = num_cores()
        workers = min(cores, 8) if device.type == "cuda" else min(cores - 1, 4)
    return BatchRunner(extractor, transform, device, args.batch_size, workers, args.amp)


def folder_labels(image_ids: list[str]) -> list[str]:
    """Returns the first folder of each image id, which names its class.

    Raises:
        UserError: An image lies in no folder.
    """
    labels = []
    for image in image_ids:
        parts = PurePosixPath(image).parts
        if len(parts) < 2:
            raise UserError(
                f"image {image} lies in no class folder: labels from folders need "
                "CLASS/IMAGE"
            )
        labels.append(parts[0])
    return labels


def _export(folder: str, checkpoint: str | None) -> tuple[Config, str]:
    """Returns the network of an export as a config, and its weights."""
    if checkpoint not in (None, "random"):
        raise UserError(
            f"{folder} is an export, which has its own weights: leave CKPT out, or "
            "name 'random' for its architecture untrained"
        )
    export = ExportInfo.read(folder, trained=checkpoint is None)
    return export.network_config(), checkpoint or str(export.weights)


def _extractor(
    args: argparse.Namespace, config: str | Config | None, checkpoint: str | None
) -> FeatureExtractor:
    if args.model:
        if config or checkpoint:
            raise UserError("name either CONFIG and CKPT or --model, not both")
        config, checkpoint = args.model, args.weights or "default"
    elif config and Path(config).is_dir():
        config, checkpoint = _export(config, checkpoint)
    elif not config or not checkpoint:
        raise UserError(
            "name CONFIG and CKPT (a file, or 'random' for an untrained network), or "
            "EXPORT_DIR, or --model torchvision:NAME"
        )
    if args.weights and not args.model:
        raise UserError(
            "--weights belongs to --model: name the checkpoint after CONFIG"
        )
    return build_extractor(
        config, checkpoint, args.source, args.seed, args.trust_checkpoint
    )

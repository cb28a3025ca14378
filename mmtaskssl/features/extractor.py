"""Networks that turn images into feature vectors."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope, init_default_scope
from torch import Tensor, nn

from ..config import load_config
from ..datasets.eval_transform import IMAGENET_MEAN, IMAGENET_STD, pixel_statistics
from ..models.backbones.elastic_backbone import ElasticBackbone, SubnetLike
from ..registry import MODELS
from ..utils.errors import UserError
from ..weights import load_state_dict, load_weights, weights_sha256
from ..weights.guard import guarded
from . import library

# Where the algorithms keep the backbone of their averaged encoder: MoCo's key encoder
# and BYOL's target network, each an averaged Sequential(backbone, neck).
EMA_PREFIXES = ("encoder_k.module.0.", "target_net.module.0.")
# A bare state dict is one that was exported for the downstream frameworks.
ONLINE_PREFIXES = ("backbone.", "module.backbone.", "")


class FeatureExtractor(nn.Module):
    """A frozen network with a global average pool behind its last feature map.

    Args:
        body: Returns a (N, D) or (N, D, H, W) tensor, or a tuple that ends with one.
        name: Says what ``body`` is.
        source: "online", "ema" or "random".
        mean: Pixel mean that the network was trained with, scale 0..255.
        std: Pixel standard deviation, scale 0..255.
        image_size: Side of the images it was trained on; None if not known.

    Attributes:
        description (dict): Tells this extractor from any other.
    """

    def __init__(
        self,
        body: nn.Module,
        name: str,
        source: str,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
        image_size: int | None = None,
    ):
        super().__init__()
        self.body = body
        self.mean, self.std = mean, std
        self.image_size = image_size
        self.eval().requires_grad_(False)
        self.description = {
            "name": name,
            "source": source,
            "weights_sha256": weights_sha256(body),
        }

    def train(self, mode: bool = True) -> "FeatureExtractor":
        """Stays in evaluation mode, whatever ``mode`` says."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Returns (N, D) float32 features of (N, 3, H, W) normalised images."""
        features = self.body(images)
        while isinstance(features, tuple | list):
            features = features[-1]
        if features.dim() == 4:
            # In float32: half precision would round the mean of many cells.
            features = features.float().mean(dim=(2, 3))
        return features.float().flatten(1)


def build_extractor(
    config_or_name: str | Path | Config,
    checkpoint: str | Path | None,
    source: str = "online",
    seed: int = 0,
    trust: bool = False,
    subnet: SubnetLike | None = None,
) -> FeatureExtractor:
    """Builds the network that extracts features.

    Of an elastic backbone that is the plain network of one of its sub-nets.

    Args:
        config_or_name: A config (or its file) with ``model.backbone``, or
            ``torchvision:NAME`` / ``timm:NAME``.
        checkpoint: Weights, loaded without running code; None or "random" leaves the
            network untrained. For ``torchvision:NAME`` "default" takes the library's
            own weights if its download cache holds them.
        source: "online", or "ema" for the averaged encoder (MoCo's key encoder,
            BYOL's target network) in the checkpoint of a pre-training run.
        seed: Fixes the weights of an untrained network.
        trust: Load a checkpoint even if that runs code in it.
        subnet: A sub-net of an elastic backbone, its name, or an anchor's such as
            "MIN"; None: the backbone's default.

    Returns:
        The extractor, on the CPU, in evaluation mode.

    Raises:
        UserError: An unknown config, name or type, a missing checkpoint, or one of
            another architecture; a sub-net that the network cannot run, or that the
            checkpoint has no batch-norm statistics of.
    """
    if source not in ("online", "ema"):
        raise UserError(f"source must be online or ema, got {source!r}")
    if checkpoint == "random":
        checkpoint = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if isinstance(config_or_name, str) and library.is_library_name(config_or_name):
            if source == "ema":
                raise UserError(f"{config_or_name} has no averaged encoder")
            if subnet is not None:
                raise UserError(f"{config_or_name} has no sub-nets")
            model = library.build(config_or_name, checkpoint, trust)
            return FeatureExtractor(
                model.body,
                config_or_name,
                "random" if checkpoint is None else "online",
                model.mean,
                model.std,
                model.image_size,
            )
        return _from_config(config_or_name, checkpoint, source, trust, subnet)


def _from_config(
    config: str | Path | Config,
    checkpoint: str | Path | None,
    source: str,
    trust: bool,
    subnet: SubnetLike | None,
) -> FeatureExtractor:
    cfg = config if isinstance(config, Config) else load_config(str(config))
    try:
        backbone_cfg = cfg.model.backbone.copy()
    except AttributeError as error:
        raise UserError(
            f"config {cfg.filename} has no model.backbone to extract features with"
        ) from error
    weights = None if checkpoint is None else load_state_dict(checkpoint, trust)
    # Weights are loaded or drawn below; the config must not fetch others.
    init_cfg = backbone_cfg.get("init_cfg")
    if isinstance(init_cfg, dict) and init_cfg.get("type") == "Pretrained":
        backbone_cfg.pop("init_cfg")
    backbone_cfg.pop("frozen_stages", None)
    backbone = _build_backbone(cfg, backbone_cfg)
    if weights is not None:
        prefixes = EMA_PREFIXES if source == "ema" else ONLINE_PREFIXES
        load_weights(
            backbone, weights, prefixes, source=str(checkpoint), ignore=("fc.", "head.")
        )
    else:
        initialize(backbone, trust)
    if isinstance(backbone, ElasticBackbone):
        subnet = backbone.resolve(subnet)
        backbone_cfg = backbone.plain_config(subnet)
        # Statistics of an untrained network are those of any other untrained one.
        backbone = backbone.extract(subnet, uncalibrated_ok=weights is None)
    elif subnet is not None:
        raise UserError(
            f"backbone {backbone_cfg['type']} of config {cfg.filename} has no sub-nets"
        )
    preprocessor = cfg.model.get("data_preprocessor") or cfg.get("data_preprocessor")
    preprocessor = preprocessor or {}
    mean, std = pixel_statistics(
        preprocessor.get("mean") or IMAGENET_MEAN,
        preprocessor.get("std") or IMAGENET_STD,
    )
    return FeatureExtractor(
        backbone,
        json.dumps(dict(backbone_cfg), sort_keys=True, default=str),
        "random" if weights is None else source,
        mean,
        std,
        preprocessor.get("view_size"),
    )


def _build_backbone(cfg: Config, backbone_cfg: dict[str, Any]) -> nn.Module:
    scope = cfg.get("default_scope") or "mmtaskssl"
    if scope == "mmselfsup":  # its registry names a module that does not exist
        scope = "mmtaskssl"
        if "." not in str(backbone_cfg.get("type", "")):
            backbone_cfg["type"] = f"mmselfsup.{backbone_cfg['type']}"
    current = DefaultScope.get_current_instance()
    if current is None or current.scope_name != scope:
        init_default_scope(scope)
    try:
        return MODELS.build(backbone_cfg)
    except (KeyError, TypeError, ImportError, AssertionError, ValueError) as error:
        raise UserError(
            f"backbone {backbone_cfg.get('type')!r} of config {cfg.filename} cannot "
            f"be built ({error})"
        ) from error


def initialize(backbone: nn.Module, trust: bool = False) -> None:
    """Draws the weights that training would start with, without a word.

    Args:
        backbone: Of any kind; one without ``init_weights`` keeps what it has.
        trust: Load checkpoints that its config names even if that runs code in them.
    """
    if hasattr(backbone, "init_weights"):
        with _quiet(), guarded(trust):
            backbone.init_weights()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps mmengine from listing each parameter that it initialises."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)

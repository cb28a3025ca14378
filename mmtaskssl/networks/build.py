"""From a config to its backbone: the one code that does so."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from torch import nn

from ..models.backbones import ElasticBackbone, seeing_whole_images
from ..models.backbones.library_backbone import LibraryBackbone, library_config
from ..registry import MODELS
from ..subnets import find_backbone
from ..utils.families import BadConfigValue, ConfigUnsuited, NoSubnets
from ..weights.guard import guarded
from .plain import as_elastic

# What a backbone is built with in training alone.
_OF_TRAINING = ("frozen_stages",)


def backbone_config(cfg: Config, name: str) -> dict[str, Any]:
    """Returns the config of a model's backbone, for anything but its training.

    Args:
        cfg: Of our own methods, or of mmdet, mmseg, mmcls or mmselfsup.
        name: Of the config, for messages.

    Returns:
        Plain types. Nothing in it fetches weights: those are loaded, or drawn.

    Raises:
        UserError: There is no model, or it has no backbone.
    """
    found = find_backbone({"model": cfg.to_dict().get("model")})
    if found is None:
        raise ConfigUnsuited(
            f"config {name} has no model with a backbone (no model.backbone)"
        )
    found = {key: value for key, value in found.items() if key not in _OF_TRAINING}
    if library_config(found):
        found.pop("weights", None)
    init = found.get("init_cfg")
    if isinstance(init, dict) and init.get("type") == "Pretrained":
        del found["init_cfg"]
    if _scope_of(cfg) != cfg.get("default_scope", "mmtaskssl") and "." not in str(
        found.get("type", "")
    ):
        found["type"] = f"{cfg.default_scope}.{found.get('type')}"
    return found


def build_backbone(
    cfg: Config, name: str, device: str | torch.device | None = None
) -> nn.Module:
    """Builds the backbone of a config; one that masks images in training sees all.

    Args:
        cfg: See `backbone_config`.
        name: Of the config, for messages.
        device: Where its weights are made, "meta" for none; None: the CPU.

    Raises:
        UserError: See `backbone_config`; or it cannot be built.
    """
    found = backbone_config(cfg, name)
    scope = _scope_of(cfg)
    placed = torch.device(device) if device else contextlib.nullcontext()
    try:
        with DefaultScope.overwrite_default_scope(scope), placed:
            return seeing_whole_images(MODELS.build(found))
    except (KeyError, TypeError, ImportError, AssertionError, ValueError) as error:
        raise BadConfigValue(
            f"the backbone {found.get('type')!r} of config {name} cannot be built: "
            f"{error}"
        ) from error


def with_subnets(backbone: nn.Module, name: str) -> ElasticBackbone:
    """Returns a backbone that has sub-nets.

    A plain ResNet, pre-trained alone, becomes the largest of a space of one sub-net.

    Args:
        backbone: Any.
        name: Of its config, for messages.

    Raises:
        UserError: It has none, and is no plain ResNet either.
    """
    if isinstance(backbone, ElasticBackbone):
        return backbone
    if isinstance(backbone, LibraryBackbone):
        raise NoSubnets(
            f"the backbone of {name}, {backbone.library}:{backbone.name}, has no "
            "sub-nets, and is no export of ours: "
            "`open_network(CONFIG, CKPT).backbone.state_dict()` has the library's own "
            "names, and loads there"
        )
    elastic = as_elastic(backbone)
    if elastic is None:
        raise NoSubnets(
            f"the backbone of {name}, {type(backbone).__name__}, has no sub-nets and "
            "is no plain ResNet either"
        )
    return elastic


def initialize(backbone: nn.Module, trust: bool = False) -> None:
    """Draws the weights that training would start with, without a word.

    Args:
        backbone: Of any kind; one without ``init_weights`` keeps what it has.
        trust: Load checkpoints that its config names even if that runs code in them.
    """
    if hasattr(backbone, "init_weights"):
        with _quiet(), guarded(trust):
            backbone.init_weights()


def _scope_of(cfg: Config) -> str:
    scope = cfg.get("default_scope") or "mmtaskssl"
    # The registry of mmselfsup names a module that does not exist.
    return "mmtaskssl" if scope == "mmselfsup" else scope


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

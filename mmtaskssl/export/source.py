"""An elastic backbone with the weights of a checkpoint."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from ..models.backbones import ElasticBackbone
from ..networks.door import EMA_PREFIXES, ONLINE_PREFIXES
from ..networks.plain import as_elastic
from ..registry import MODELS
from ..subnets import find_backbone
from ..utils.errors import UserError
from ..utils.hashing import file_sha256
from ..weights import load_state_dict, load_weights

_PREFIXES = {"online": ONLINE_PREFIXES, "ema": EMA_PREFIXES}


@dataclass(frozen=True, slots=True)
class Source:
    """Where an elastic backbone's weights come from.

    Attributes:
        backbone: In evaluation mode, on the CPU.
        state: The whole state dict of the checkpoint.
        prefix: Of the backbone's keys in it.
        meta: Config and checkpoint (names and SHA-256) and the encoder's source.
    """

    backbone: ElasticBackbone
    state: dict[str, Tensor]
    prefix: str
    meta: dict[str, Any]


def load_source(
    cfg: Config,
    config_name: str,
    checkpoint: str,
    source: str = "online",
    trust: bool = False,
) -> Source:
    """Builds the elastic backbone of a config and loads its weights.

    Args:
        cfg: A training config.
        config_name: Its name, for the record.
        checkpoint: Of a training run, or a bare state dict.
        source: "online", or "ema" for the averaged encoder.
        trust: Load a checkpoint even if that runs code in it.

    Raises:
        UserError: The config's backbone is not elastic, or the checkpoint does not
            hold it completely.
    """
    if source not in _PREFIXES:
        raise UserError(f"source must be online or ema, not {source!r}")
    backbone = build_elastic(cfg, config_name)
    state = load_state_dict(checkpoint, trust)
    prefix = next(
        (p for p in _PREFIXES[source] if any(key.startswith(p) for key in state)), ""
    )
    load_weights(backbone, state, _PREFIXES[source], source=checkpoint)
    meta = {
        "config": Path(config_name).name,
        "config_sha256": hashlib.sha256(cfg.dump().encode()).hexdigest(),
        "checkpoint": Path(checkpoint).name,
        "checkpoint_sha256": file_sha256(checkpoint),
        "encoder": source,
    }
    return Source(backbone.eval(), state, prefix, meta)


def build_elastic(cfg: Config, name: str) -> ElasticBackbone:
    """Builds the elastic backbone of a training config, in evaluation mode.

    A plain ResNet, pre-trained alone, becomes the MAX of a space of one sub-net.

    Raises:
        UserError: The config has neither.
    """
    found = find_backbone(cfg.to_dict())
    if found is None:
        raise UserError(f"config {name} has no model with a backbone")
    init_default_scope(cfg.get("default_scope") or "mmtaskssl")
    found = {k: v for k, v in found.items() if k not in ("init_cfg", "frozen_stages")}
    try:
        backbone = MODELS.build(found)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"the backbone {found.get('type')!r} of config {name} cannot be built: "
            f"{error}"
        ) from error
    elastic = backbone
    if not isinstance(backbone, ElasticBackbone):
        elastic = as_elastic(backbone)
    if elastic is None:
        raise UserError(
            f"the backbone of config {name}, {found['type']}, has no sub-nets and is "
            "no plain ResNet either"
        )
    return elastic.eval()

"""The control of a training of many networks at once: each of them trained alone."""

import copy

from mmengine.config import Config

from ..models.backbones import ElasticBackbone
from ..subnets import Subnet
from ..utils.families import ConfigUnsuited
from .door import open_architecture
from .network import Network

_PLAIN = {
    "SlimmableBYOL": "BYOL",
    "SlimmableMoCo": "MoCo",
    "SlimmableSimSiam": "SimSiam",
    "SlimmableJointEmbedding": "JointEmbedding",
    "ElasticDistill": "Distill",
}
_SLIMMABLE_ONLY = (
    "subnet_sampler",
    "subnet_loss_weights",
    "preset",
    "same_view_weight",
    "loss_weights",
    "group_regularisation",
    "aux_predictor",
    "taught",
)
# What a plain backbone takes over besides its `plain_config`.
_BACKBONE_OPTIONS = (
    "zero_init_residual",
    "with_cp",
    "norm_eval",
    "frozen_stages",
    "init_cfg",
)
_PREFIX = "mmtaskssl."


def slimmable_network(cfg: Config) -> Network:
    """Opens the network of a training of many networks at once, without weights.

    Args:
        cfg: The config.

    Raises:
        UserError: The config is of another training.
    """
    kind = str(cfg.get("model", {}).get("type", "")).removeprefix(_PREFIX)
    if kind not in _PLAIN:
        raise ConfigUnsuited(
            f"networks are trained alone by the recipe of {', '.join(_PLAIN)}, but "
            f"{cfg.filename or 'this config'} trains {kind or 'no model'}"
        )
    return open_architecture(cfg)


def individual_config(cfg: Config, subnet: str | Subnet) -> Config:
    """Returns the config that trains one sub-net alone by the same recipe.

    Everything is taken over but what only several sub-nets have: data, views, schedule,
    optimizer, momentum, loss, and the widths of the heads. The network is the plain one
    that export would give, its target network is as wide as itself, its projector's
    hidden layer as wide as the sub-net's was.

    Args:
        cfg: Config of a slimmable training, or of a distillation into many networks.
        subnet: The sub-net, its name, or an anchor's.

    Raises:
        UserError: The config is of another training, or has no such sub-net.
    """
    backbone = slimmable_network(cfg).elastic
    subnet = backbone.resolve(subnet)
    cfg = copy.deepcopy(cfg)
    model = cfg.model
    model.type = _PLAIN[model.type.removeprefix(_PREFIX)]
    for key in _SLIMMABLE_ONLY:
        model.pop(key, None)
    options = {k: model.backbone[k] for k in _BACKBONE_OPTIONS if k in model.backbone}
    model.backbone = {**backbone.plain_config(subnet), **options}
    if "neck" in model:
        neck = _plain_neck(model.neck, backbone, subnet)
        model.neck = {**neck, "type": f"{_PREFIX}ElasticNonLinearNeck"}
    for head in ("head", "dense_head"):
        if (model.get("distill") or {}).get(head) is not None:
            model.distill[head] = _plain_neck(model.distill[head], backbone, subnet)
    cfg.pop("model_wrapper_cfg", None)
    hooks = [*cfg.get("custom_hooks", []), *cfg.get("default_hooks", {}).values()]
    for hook in hooks:
        hook.pop("subnets", None)
    return cfg


def _plain_neck(neck: dict, backbone: ElasticBackbone, subnet: Subnet) -> dict:
    neck = dict(neck)
    inputs = backbone.out_channels(subnet)[-1]
    if neck.pop("slice_hidden", False):
        full = backbone.out_channels(backbone.space.max)[-1]
        neck["hid_channels"] = max(1, neck["hid_channels"] * inputs // full)
    neck.pop("num_switches", None)
    if neck.get("norm") == "SwitchableBN":
        neck["norm"] = "BN"
    return {**neck, "in_channels": inputs}

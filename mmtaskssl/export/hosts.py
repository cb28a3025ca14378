"""The exported network in the words of mmdet, mmseg and mmselfsup."""

from collections.abc import Mapping
from typing import Any

from ..models.backbones import ElasticBackbone
from ..subnets import Subnet
from .stock import stock_shape

# mmseg's usual bases keep 1/8 of the resolution.
_STRIDE_8 = {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)}
_OPTIONS = {
    # Small batches per process: keep the statistics, as mmdet's own bases do.
    "mmdet": {"frozen_stages": 1, "norm_eval": True},
    "mmseg": {"norm_eval": False},
    "mmselfsup": {},
}
HOSTS = tuple(_OPTIONS)


def host_config(
    backbone: ElasticBackbone, subnet: Subnet, host: str, weights: str | None
) -> dict[str, Any]:
    """Returns the config of ``subnet`` as a backbone of ``host``.

    Args:
        backbone: The network of the sub-net.
        subnet: Any that it runs.
        host: "mmdet", "mmseg" or "mmselfsup".
        weights: Checkpoint to start from; None: none.
    """
    options = dict(_OPTIONS[host])
    config = backbone.plain_config(subnet)
    shape = stock_shape(backbone, subnet)
    last = backbone.pyramid[-1]
    options["out_indices"] = (last,) if host == "mmselfsup" else backbone.pyramid
    if host == "mmseg" and config["type"] == "mmtaskssl.SubnetResNet":
        stages = len(subnet.widths)
        options |= {key: value[:stages] for key, value in _STRIDE_8.items()}
        options["contract_dilation"] = True
    elif host == "mmseg":
        options["output_stride"] = 8
    if shape is not None:
        for key in ("subnet", "arch", "norm_cfg"):
            config.pop(key, None)
        norm = {k: v for k, v in backbone.norm_cfg.items() if k in ("eps", "momentum")}
        config |= {
            "type": f"{host}.ResNet",
            "depth": shape.depth,
            "stem_channels": shape.base_channels,
            "base_channels": shape.base_channels,
            "norm_cfg": {"type": "BN", "requires_grad": True, **norm},
            "style": "pytorch",
        }
        if host == "mmselfsup":  # counts the stem as output 0
            options["out_indices"] = (last + 1,)
    config |= options
    if weights is not None:
        config["init_cfg"] = {"type": "Pretrained", "checkpoint": weights}
    return config


def config_fragment(
    backbone: ElasticBackbone, subnet: Subnet, title: str, weights: str | None
) -> str:
    """Returns a config file that defines the backbone for each host.

    Args:
        backbone: The network of the sub-net.
        subnet: Any that it runs.
        title: First line of the docstring.
        weights: Name of the weights file in the folder of the fragment; None where the
            hosts cannot read it.
    """
    path = None if weights is None else "{{ fileDirname }}/" + weights
    stages = backbone.stage_channels(subnet)
    channels = [stages[index] for index in backbone.pyramid]
    lines = [_USAGE.format(title=title), f"subnet_channels = {channels}"]
    for host in HOSTS:
        config = host_config(backbone, subnet, host, path)
        lines.append(f"{host}_backbone = {_render({'_delete_': True, **config})}")
    return "\n".join(lines) + "\n"


def whole_fragment(facts: Mapping[str, Any], title: str, weights: str | None) -> str:
    """Returns a config file that defines a network without sub-nets for each host.

    Args:
        facts: See `whole_facts`.
        title: First line of the docstring.
        weights: See `config_fragment`.
    """
    network, pyramid = facts["plain_network"], facts["pyramid"]
    channels = [facts["out_channels"][index] for index in pyramid]
    init = {}
    if weights is not None:
        path = "{{ fileDirname }}/" + weights
        init = {"init_cfg": {"type": "Pretrained", "checkpoint": path}}
    # Its own output, for classification, and that of levels.
    hosts: dict[str, dict[str, Any]] = {"mmcls": {}}
    if pyramid:
        levels = {"out_indices": tuple(pyramid)}
        hosts |= {"mmdet": levels, "mmseg": levels}
    imports = ["mmtaskssl"]
    if network["type"].startswith("mmcls."):
        imports.append("mmcls.models")
    lines = [
        (_USAGE if pyramid else _USAGE_CLASSIFIER).format(title=title),
        f"custom_imports = dict(imports={imports})",
        f"feature_channels = {facts['output']['channels']}",
        f"subnet_channels = {channels}",
    ]
    for host, options in hosts.items():
        config = {"_delete_": True, **network, **options, **init}
        lines.append(f"{host}_backbone = {_render(config)}")
    return "\n".join(lines) + "\n"


_USAGE_CLASSIFIER = '''"""{title}

In a config of mmcls, beside another base:

    _base_ = ['resnet50_8xb32_in1k.py', 'THIS/FOLDER/config.py']
    model = dict(
        backbone=_base_.mmcls_backbone, head=dict(in_channels=_base_.feature_channels))

Where it gives a vector an image (output='feature') the model has no neck: neck=None.
Who pastes a dict instead writes the weights' path in full.
"""'''

_USAGE = '''"""{title}

In a config, beside another base:

    _base_ = ['faster-rcnn_r50_fpn_1x_voc0712.py', 'THIS/FOLDER/config.py']
    model = dict(
        backbone=_base_.mmdet_backbone,
        neck=dict(in_channels=_base_.subnet_channels))

mmseg's heads take in_channels=_base_.subnet_channels[3] (decode_head) and [2]
(auxiliary_head). Who pastes a dict instead writes the weights' path in full.
"""'''


def _render(config: dict[str, Any], indent: int = 4) -> str:
    """Writes a dict as OpenMMLab's configs do."""
    pad = " " * indent
    items = []
    for key, value in config.items():
        text = _render(value, indent + 4) if isinstance(value, dict) else repr(value)
        items.append(f"{pad}{key}={text}")
    return "dict(\n" + ",\n".join(items) + ")"

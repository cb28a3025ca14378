"""One exported sub-net: a folder with weights, meta data and a config."""

import json
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..models.backbones import ElasticBackbone
from ..subnets import Subnet, arch_to_dict
from ..utils.atomic import atomic_folder
from ..utils.errors import UserError
from ..utils.hashing import file_sha256
from ..weights import save_state_dict
from .hosts import config_fragment
from .state_dict import export_state_dict
from .stock import stock_shape

FORMATS = ("pth", "safetensors")
# float32 rounding of one and the same arithmetic.
_TOLERANCE = 1e-5


def write_bundle(
    backbone: ElasticBackbone,
    subnet: Subnet,
    folder: str | Path,
    source: dict[str, Any],
    file_format: str = "pth",
    image_size: int = 224,
) -> dict[str, Any]:
    """Exports a sub-net into ``folder/<its name>``, whole or not at all.

    The folder holds ``weights.pth`` (or ``.safetensors``), ``meta.json`` and
    ``config.py``. Before it appears, the plain network is run beside the elastic one.

    Args:
        backbone: Holds the weights.
        subnet: Which to export.
        folder: Where the sub-net's folder is made; one of this name is replaced.
        source: Where the weights come from, for the record.
        file_format: "pth" (loads with ``weights_only=True``) or "safetensors".
        image_size: Side of the image that MACs are counted for.

    Returns:
        The meta data.

    Raises:
        UserError: The sub-net cannot run or was not calibrated, or bad arguments.
        RuntimeError: The plain network computes something else (a bug).
    """
    if file_format not in FORMATS:
        raise UserError(f"format must be one of {', '.join(FORMATS)}: {file_format!r}")
    state = export_state_dict(backbone, subnet)
    difference = _difference(backbone, subnet)
    if difference > _TOLERANCE:
        raise RuntimeError(
            f"the plain network of {subnet} differs from the elastic one: {difference}"
        )
    costs = backbone.cost(subnet, image_size)
    shape = stock_shape(backbone, subnet)
    weights = f"weights.{file_format}"
    meta = {
        "subnet": subnet.name,
        "arch": arch_to_dict(backbone.arch),
        "macs": costs.macs,
        "params": costs.params,
        "image_size": image_size,
        "out_channels": list(backbone.stage_channels(subnet)),
        "pyramid": list(backbone.pyramid),
        "stock_resnet": shape
        and {"depth": shape.depth, "base_channels": shape.base_channels},
        "plain_network": backbone.plain_config(subnet),
        "calibrated": subnet.name in backbone.subnet_statistics,
        "difference": difference,
        "source": source,
        "mmtaskssl": __version__,
    }
    title = (
        f"Backbone {subnet}: {costs.macs / 1e9:.2f} GMAC at {image_size} px, "
        f"{costs.params / 1e6:.2f} M parameters."
    )
    with atomic_folder(Path(folder) / subnet.name) as temporary:
        save_state_dict(state, temporary / weights)
        meta |= {"weights": weights, "weights_sha256": file_sha256(temporary / weights)}
        text = json.dumps(meta, indent=2) + "\n"
        (temporary / "meta.json").write_text(text, encoding="utf-8")
        # mmengine reads no safetensors, so its config cannot name such a file.
        named = weights if file_format == "pth" else None
        fragment = config_fragment(backbone, subnet, title, named)
        (temporary / "config.py").write_text(fragment, encoding="utf-8")
    return meta


@torch.no_grad()
def _difference(backbone: ElasticBackbone, subnet: Subnet, size: int = 64) -> float:
    """Returns the largest difference of the features, relative where they exceed 1."""
    generator = torch.Generator().manual_seed(0)
    parameter = next(backbone.parameters())
    x = torch.randn(2, backbone.in_channels, size, size, generator=generator)
    x = x.to(parameter)
    plain = backbone.extract(subnet)
    return max(
        float((a - b).abs().max() / a.abs().max().clamp_min(1))
        for a, b in zip(backbone(x, subnet), plain(x), strict=True)
    )

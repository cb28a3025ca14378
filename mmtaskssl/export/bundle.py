"""One export: the plain network, checked beside the elastic one."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..models.backbones import ElasticBackbone
from ..networks import Network
from ..networks.labels import known_labels
from ..subnets import Subnet, arch_to_dict
from ..utils.inputs import read_json
from .exported import META, Export, Format
from .state_dict import export_state_dict
from .stock import stock_shape
from .subnet_export import SubnetExport
from .whole import whole_facts
from .whole_export import WholeExport

# float32 rounding of one and the same arithmetic.
_TOLERANCE = 1e-5


def make_export(
    network: Network | ElasticBackbone,
    subnet: Subnet,
    source: Mapping[str, Any],
    image_size: int | None = None,
) -> Export:
    """Makes the plain network of a sub-net, and sees that it computes the same.

    Args:
        network: Holds the weights.
        subnet: Which to export.
        source: Where the weights come from, for the record.
        image_size: Side of the image that MACs are counted for; None: the one
            that the network was trained on.

    Raises:
        UserError: The sub-net cannot run or was not calibrated.
        RuntimeError: The plain network computes something else (a bug).
    """
    pixels = None
    if isinstance(network, Network):
        pixels = network.preprocessing.options()
    else:
        network = Network.of(network)
    network.check_finite()
    if image_size is None:
        image_size = network.preprocessing.image_size
    backbone = network.elastic
    state = export_state_dict(backbone, subnet)
    difference = _difference(backbone, subnet)
    if difference > _TOLERANCE:
        raise RuntimeError(
            f"the plain network of {subnet} differs from the elastic one: {difference}"
        )
    costs = backbone.cost(subnet, image_size)
    shape = stock_shape(backbone, subnet)
    facts = {
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
        **({"preprocessing": pixels} if pixels else {}),
        "labels": known_labels(network),
        "calibrated": subnet.name in backbone.subnet_statistics,
        "difference": difference,
        "source": source,
        "mmtaskssl": __version__,
    }
    return SubnetExport(state, facts, network, subnet)


def make_whole(network: Network, image_size: int | None = None) -> Export:
    """Makes the export of a network that has no sub-nets, and sees that it is the same.

    Args:
        network: Of timm, torchvision or mmcls.
        image_size: Side of the image that it is to be used with, pixels; None: its own.

    Raises:
        UserError: See `whole_facts`.
    """
    network.check_finite()
    if image_size is not None:
        pixels = dataclasses.replace(network.preprocessing, image_size=image_size)
        network = dataclasses.replace(network, preprocessing=pixels)
    state, facts = whole_facts(network, network.meta)
    return WholeExport(state, facts, network)


def write_bundle(
    network: Network | ElasticBackbone,
    subnet: Subnet,
    folder: str | Path,
    source: Mapping[str, Any],
    file_format: Format = "pth",
    image_size: int | None = None,
) -> dict[str, Any]:
    """Exports a sub-net into ``folder/<its name>``, in the place of an earlier export.

    Args:
        network: See `make_export`, as for ``subnet``, ``source`` and ``image_size``.
        subnet: See above.
        folder: Where the sub-net's folder is made.
        source: See above.
        file_format: See `Export.save`.
        image_size: See above.

    Returns:
        The content of meta.json.

    Raises:
        UserError: See `make_export` and `Export.save`.
    """
    made = make_export(network, subnet, source, image_size)
    return read_json(made.save(Path(folder, subnet.name), True, file_format) / META)


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

"""Which sub-nets are an ordinary ResNet."""

from dataclasses import dataclass

from ..models.backbones import ElasticBackbone
from ..subnets import ResNetArch, Subnet

_DEPTHS = {
    ("basic", (2, 2, 2, 2)): 18,
    ("basic", (3, 4, 6, 3)): 34,
    ("bottleneck", (3, 4, 6, 3)): 50,
    ("bottleneck", (3, 4, 23, 3)): 101,
}


@dataclass(frozen=True, slots=True)
class StockShape:
    """A ResNet that the hosts build by themselves.

    Attributes:
        depth: 18, 34, 50 or 101.
        base_channels: Width of the stem and of the first stage; torchvision has 64.
    """

    depth: int
    base_channels: int


def stock_shape(backbone: ElasticBackbone, subnet: Subnet) -> StockShape | None:
    """Returns the ordinary ResNet that ``subnet`` is, None if it is none.

    Args:
        backbone: The network of the sub-net.
        subnet: Any that it runs.
    """
    arch = backbone.arch
    if not isinstance(arch, ResNetArch) or arch.stem_kernel != 7:
        return None
    if backbone.norm_cfg["type"] == "GN":
        return None  # the hosts' group norm has equally many groups in all layers
    depth = _DEPTHS.get((arch.block, subnet.depths))
    widths = tuple(subnet.stem * 2**stage for stage in range(len(subnet.widths)))
    outputs = tuple(arch.expansion * width for width in widths)
    if depth is None or arch.inner_widths(subnet) != widths:
        return None
    if arch.out_channels(subnet) != outputs:
        return None
    return StockShape(depth, subnet.stem)

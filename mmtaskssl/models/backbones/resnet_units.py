"""The convolutions that a sub-net of a ResNet runs, under their usual names."""

from collections.abc import Sequence

from ...subnets import ALL, ResNetArch, Subnet
from ...subnets.cost import dilated_stages
from ..elastic import Channels, NormView, Unit, Units, make_channels


def resnet_units(
    arch: ResNetArch,
    subnet: Subnet,
    strides: Sequence[int],
    in_channels: int = 3,
    dilations: Sequence[int] | None = None,
    **view,
) -> Units:
    """Describes a sub-net by the names that torchvision and OpenMMLab use.

    Args:
        arch: The network that ``subnet`` belongs to.
        subnet: Which part of it.
        strides: Stride of each stage.
        in_channels: Channels of the images.
        dilations: Of each stage, see `dilated_stages`; None: 1.
        **view: Further fields of every `NormView`.

    Returns:
        One unit per convolution, ``conv1``, ``layer1.0.conv1``, ..., in order.
    """
    arch.check(subnet)
    units: Units = {}
    dilated = dilated_stages(dilations or [1] * len(strides))

    def add(conv: str, norm: str, out: Channels, in_: Channels) -> None:
        units[conv] = Unit(
            conv, norm, out, in_, NormView(out, subnet=subnet.name, **view)
        )

    add("conv1", "bn1", subnet.stem, in_channels)
    inputs = subnet.stem
    for stage, outputs in enumerate(arch.out_channels(subnet)):
        inner = _inner(arch, subnet, stage)
        chain = (
            [inner, inner, outputs] if arch.block == "bottleneck" else [inner, outputs]
        )
        for block in range(subnet.depths[stage]):
            name = f"layer{stage + 1}.{block}"
            before: Channels = inputs
            for index, out in enumerate(chain, 1):
                add(f"{name}.conv{index}", f"{name}.bn{index}", out, before)
                before = out
            # As in a plain ResNet of this very shape, whatever its wider siblings need.
            stride = strides[stage] if block == 0 else 1
            first = block == 0 and any(dilated[stage : stage + 1])
            if stride != 1 or first or inputs != outputs:
                add(f"{name}.downsample.0", f"{name}.downsample.1", outputs, inputs)
            inputs = outputs
    return units


def _inner(arch: ResNetArch, subnet: Subnet, stage: int) -> Channels:
    """Returns the active inner channels of a stage."""
    routes = arch.routes
    if routes is None or subnet.path is None or subnet.path[stage] == ALL:
        return subnet.widths[stage]
    shared, width = routes.shared[stage], routes.group[stage]
    start = shared + width * subnet.path[stage]
    own = (start, start + width)
    return make_channels([(0, shared), own] if shared else [own])

"""The convolutions of MobileNetV3-Large under torchvision's names."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...subnets import MobileNetV3Arch, Subnet
from ...subnets.arch import InvertedResidual
from ..elastic import NormView, Unit, Units


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """One inverted residual block, the same at every width.

    Attributes:
        name: ``features.1``.
        stage: The stage it belongs to.
        spec: Kernel, stride and so on.
        inputs: Input channels at full width.
        outputs: Output channels at full width.
        expand: Name of the expanding convolution; None: there is none.
        depthwise: Name of the depthwise convolution.
        se: Name of squeeze-and-excitation; None: there is none.
        project: Name of the projecting convolution.
    """

    name: str
    stage: int
    spec: InvertedResidual
    inputs: int
    outputs: int
    expand: str | None
    depthwise: str
    se: str | None
    project: str

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.spec.stride == 1 and self.inputs == self.outputs

    @property
    def hard_swish(self) -> bool:
        """Whether activations are hard swishes: from stride 16 on."""
        return self.stage >= 3


def block_plans(arch: MobileNetV3Arch) -> Iterator[BlockPlan]:
    """Yields the blocks in order."""
    inputs, number = arch.stem, 1
    for stage, (outputs, blocks) in enumerate(
        zip(arch.widths, arch.stages, strict=True)
    ):
        for spec in blocks:
            name = f"features.{number}"
            layers = iter(f"{name}.block.{index}" for index in range(4))
            yield BlockPlan(
                name,
                stage,
                spec,
                inputs,
                outputs,
                expand=f"{next(layers)}.0" if spec.expand != inputs else None,
                depthwise=f"{next(layers)}.0",
                se=next(layers) if spec.se else None,
                project=f"{next(layers)}.0",
            )
            inputs, number = outputs, number + 1


def last_conv(arch: MobileNetV3Arch) -> str:
    """Returns the name of the convolution behind the blocks."""
    return f"features.{1 + sum(map(len, arch.stages))}.0"


def mobilenet_v3_units(
    arch: MobileNetV3Arch, subnet: Subnet, in_channels: int = 3, **view
) -> Units:
    """Describes a sub-net by the names that torchvision uses.

    Args:
        arch: The network that ``subnet`` belongs to.
        subnet: Which part of it.
        in_channels: Channels of the images.
        **view: Further fields of every `NormView`.

    Returns:
        One unit per convolution, ``features.0.0``, ``features.1.block.0.0``, ..., in
        order; the two of squeeze-and-excitation have no norm.
    """
    arch.check(subnet)
    units: Units = {}

    def add(conv: str, out: int, in_: int, norm: bool = True) -> None:
        name = f"{conv.removesuffix('.0')}.1" if norm else None
        units[conv] = Unit(
            conv, name, out, in_, NormView(out, subnet=subnet.name, **view)
        )

    def scale(channels: int) -> int:
        return arch.scale(channels, subnet)

    add("features.0.0", scale(arch.stem), in_channels)
    for plan in block_plans(arch):
        inputs, outputs = scale(plan.inputs), scale(plan.outputs)
        expand = scale(plan.spec.expand)
        if plan.expand:
            add(plan.expand, expand, inputs)
        add(plan.depthwise, expand, expand)
        if plan.se:
            squeeze = arch.squeeze(expand)
            add(f"{plan.se}.fc1", squeeze, expand, norm=False)
            add(f"{plan.se}.fc2", expand, squeeze, norm=False)
        add(plan.project, outputs, expand)
    add(last_conv(arch), scale(arch.last), scale(arch.widths[-1]))
    return units

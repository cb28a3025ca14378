"""MACs, parameters and latency of a sub-net.

Convention, the same everywhere in this package:

* The backbone alone, as the plain network that export writes: no head, no pooling to
  a vector, no second copy of a batch norm per width or path.
* One MAC is one multiply-accumulate of a convolution or linear layer, per image.
  Batch norm, activations, pooling, additions and the channel-wise product of
  squeeze-and-excitation are not counted; its two small linear layers are.
* Parameters are what an optimizer sees: convolution and linear weights, biases, and
  the two affine vectors of each batch norm. Running statistics are not counted.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..utils.families import BadSubnet, BadValue, OptionConflict
from .arch import Architecture, MobileNetV3Arch, ResNetArch
from .spec import Subnet

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one image costs.

    Attributes:
        macs: Multiply-accumulates.
        params: Learnable values.
    """

    macs: int
    params: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution, at the size of its output.

    Attributes:
        name: Where it is, for a listing.
        inputs: Input channels.
        outputs: Output channels.
        kernel: Side of the kernel.
        size: Height and width of the output.
        depthwise: Whether each output channel reads one input channel.
        norm: Whether batch norm follows (then there is no bias; else there is one).
    """

    name: str
    inputs: int
    outputs: int
    kernel: int
    size: Size
    depthwise: bool = False
    norm: bool = True

    @property
    def weights(self) -> int:
        """Number of weights, without bias."""
        return self.outputs * (1 if self.depthwise else self.inputs) * self.kernel**2

    @property
    def macs(self) -> int:
        """Multiply-accumulates per image."""
        return self.weights * self.size[0] * self.size[1]

    @property
    def params(self) -> int:
        """Weights, and two values of batch norm or one bias per output channel."""
        return self.weights + self.outputs * (2 if self.norm else 1)


@dataclass(frozen=True, slots=True)
class _Block:
    """The layers of one block and their sums, which many sub-nets share."""

    layers: tuple[Layer, ...]
    macs: int
    params: int


def layers(
    arch: Architecture,
    subnet: Subnet,
    shape: int | Size = 224,
    strides: Sequence[int] | None = None,
    in_channels: int = 3,
    output_stride: int = 32,
    dilations: Sequence[int] | None = None,
) -> Iterator[Layer]:
    """Yields every convolution (and linear layer, as 1x1) that ``subnet`` runs.

    Args:
        arch: The network that ``subnet`` belongs to.
        subnet: Which part of it.
        shape: Height and width of the input image, or one number for both.
        strides: Stride of each stage of a ResNet; None: 1 for the first, else 2.
        in_channels: Channels of the input image.
        output_stride: Of a MobileNetV3, whose last blocks may dilate instead.
        dilations: Of each stage of a ResNet, see `dilated_stages`; None: 1.

    Raises:
        UserError: The sub-net does not fit, or the shape is not positive.
    """
    options = strides, in_channels, output_stride, dilations
    for name, block in _blocks(arch, subnet, shape, *options):
        for layer in block.layers:
            yield replace(layer, name=".".join(filter(None, (name, layer.name))))


def cost(
    arch: Architecture,
    subnet: Subnet,
    shape: int | Size = 224,
    strides: Sequence[int] | None = None,
    in_channels: int = 3,
    output_stride: int = 32,
    dilations: Sequence[int] | None = None,
) -> Cost:
    """Returns the MACs and parameters of ``subnet``, see the module's convention.

    A backbone's own method ``cost`` knows its strides, channels and output stride; what
    has a backbone asks that.

    Args:
        arch: The network that ``subnet`` belongs to.
        subnet: Which part of it.
        shape: Height and width of the input image, or one number for both.
        strides: Stride of each stage of a ResNet; None: 1 for the first, else 2.
        in_channels: Channels of the input image.
        output_stride: Of a MobileNetV3, whose last blocks may dilate instead.
        dilations: Of each stage of a ResNet, see `dilated_stages`; None: 1.

    Raises:
        UserError: The sub-net does not fit, or the shape is not positive.
    """
    macs = params = 0
    options = strides, in_channels, output_stride, dilations
    for _, block in _blocks(arch, subnet, shape, *options):
        macs += block.macs
        params += block.params
    return Cost(macs, params)


def _blocks(
    arch: Architecture,
    subnet: Subnet,
    shape: int | Size,
    strides: Sequence[int] | None,
    in_channels: int,
    output_stride: int,
    dilations: Sequence[int] | None,
) -> Iterator[tuple[str, _Block]]:
    size = (shape, shape) if isinstance(shape, int) else tuple(shape)
    if len(size) != 2 or min(size) < 1:
        raise BadValue(f"an image shape must be one or two positive sizes: {shape!r}")
    arch.check(subnet)
    if isinstance(arch, MobileNetV3Arch):
        if strides is not None:
            raise OptionConflict("the strides of a MobileNetV3 are fixed")
        return _mobilenet_v3(arch, subnet, size, in_channels, output_stride)
    if output_stride != 32:
        raise OptionConflict("a ResNet has strides for each stage, no output_stride")
    strides = strides or (1, *[2] * (len(subnet.widths) - 1))
    if len(strides) != len(subnet.widths):
        raise BadSubnet(f"strides {tuple(strides)} do not fit sub-net {subnet}")
    dilated = dilated_stages(dilations or (1,) * len(strides))
    return _resnet(arch, subnet, size, strides, in_channels, dilated)


def dilated_stages(dilations: Sequence[int]) -> list[bool]:
    """Returns which stages of a ResNet are dilated in place of a stride.

    Those that are dilated more than the one before. They keep the projection that came
    with the stride: their weights are the strided network's.
    """
    return [b > a for a, b in itertools.pairwise([1, *dilations])]


def _down(size: Size, stride: int) -> Size:
    """Output size of a window k with padding (k - 1) / 2, for odd k."""
    return (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1


def _block(*layers: Layer) -> _Block:
    return _Block(layers, sum(x.macs for x in layers), sum(x.params for x in layers))


def _resnet(
    arch: ResNetArch,
    subnet: Subnet,
    size: Size,
    strides: Sequence[int],
    in_channels: int,
    dilated: Sequence[bool],
) -> Iterator[tuple[str, _Block]]:
    large = arch.stem_kernel == 7
    size = _down(size, 2 if large else 1)
    yield "stem", _block(Layer("", in_channels, subnet.stem, arch.stem_kernel, size))
    if large:
        size = _down(size, 2)  # max pooling
    inputs = subnet.stem
    out_channels = arch.out_channels(subnet)
    for stage, inner in enumerate(arch.inner_widths(subnet)):
        outputs = out_channels[stage]
        for block in range(subnet.depths[stage]):
            stride = strides[stage] if block == 0 else 1
            name = f"stage{stage}.block{block}"
            project = (
                stride != 1 or inputs != outputs or (block == 0 and dilated[stage])
            )
            shape = inputs, inner, outputs
            yield name, _resnet_block(arch.block, *shape, stride, size, project)
            inputs, size = outputs, _down(size, stride)


# A listing of a whole space meets few different blocks, each many times.
@functools.lru_cache(maxsize=16384)
def _resnet_block(
    kind: str,
    inputs: int,
    inner: int,
    outputs: int,
    stride: int,
    size: Size,
    project: bool,
) -> _Block:
    after = _down(size, stride)
    if kind == "bottleneck":
        convs = [
            Layer("conv1", inputs, inner, 1, size),
            Layer("conv2", inner, inner, 3, after),
            Layer("conv3", inner, outputs, 1, after),
        ]
    else:
        convs = [
            Layer("conv1", inputs, inner, 3, after),
            Layer("conv2", inner, outputs, 3, after),
        ]
    # Depends on this sub-net alone, so that its shape is a plain ResNet's even where
    # wider members of the space need a projection.
    if project:
        convs.append(Layer("shortcut", inputs, outputs, 1, after))
    return _block(*convs)


def _mobilenet_v3(
    arch: MobileNetV3Arch,
    subnet: Subnet,
    size: Size,
    in_channels: int,
    output_stride: int,
) -> Iterator[tuple[str, _Block]]:
    size, reached = _down(size, 2), 2
    inputs = arch.scale(arch.stem, subnet)
    yield "stem", _block(Layer("", in_channels, inputs, 3, size))
    full_inputs = arch.stem
    for stage, (width, blocks) in enumerate(zip(arch.widths, arch.stages, strict=True)):
        outputs = arch.scale(width, subnet)
        for index, block in enumerate(blocks):
            expand = arch.scale(block.expand, subnet)
            parts = []
            # Decided at full width, so that every width has the same layers.
            if block.expand != full_inputs:
                parts.append(Layer("expand", inputs, expand, 1, size))
            if reached * block.stride <= output_stride:
                size, reached = _down(size, block.stride), reached * block.stride
            parts.append(Layer("depthwise", expand, expand, block.kernel, size, True))
            if block.se:
                few, one = arch.squeeze(expand), (1, 1)
                parts.append(Layer("se.reduce", expand, few, 1, one, norm=False))
                parts.append(Layer("se.restore", few, expand, 1, one, norm=False))
            parts.append(Layer("project", expand, outputs, 1, size))
            yield f"stage{stage}.block{index}", _block(*parts)
            inputs, full_inputs = outputs, width
    yield "last", _block(Layer("", inputs, arch.scale(arch.last, subnet), 1, size))

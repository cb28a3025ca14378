"""The modules of a ResNet, shared by the elastic and the plain ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from torch import nn

from ...subnets import Cost, ResNetArch, Subnet, cost
from ...utils.families import BadConfigValue
from ..elastic import Units
from .base import Backbone


class ResidualBlock(nn.Module):
    """The layers of a basic or bottleneck block, stride in the first 3x3.

    Subclasses compute. Names are torchvision's.

    Args:
        body: Makes the convolutions and norms.
        name: Of this block in the body, ``layer1.0``.
        stride: Stride of the block.
        dilation: Dilation of its (first) 3x3 convolution.
        project: Whether the shortcut is a convolution.
    """

    def __init__(
        self, body: "ResNetBody", name: str, stride: int, dilation: int, project: bool
    ):
        super().__init__()
        self.name = name
        if body.arch.block == "bottleneck":
            kernels = [(1, 1, 1), (3, stride, dilation), (1, 1, 1)]
        else:
            kernels = [(3, stride, dilation), (3, 1, 1)]
        self.num_convs = len(kernels)
        for index, kernel in enumerate(kernels, 1):
            conv = f"conv{index}"
            self.add_module(conv, body.make_conv(f"{name}.{conv}", *kernel))
            self.add_module(f"bn{index}", body.make_norm(f"{name}.{conv}"))
        self.downsample = None
        if project:
            conv = f"{name}.downsample.0"
            self.downsample = nn.Sequential(
                body.make_conv(conv, 1, stride, 1), body.make_norm(conv)
            )
        self.relu = nn.ReLU(inplace=True)

    @property
    def last_norm(self) -> nn.Module:
        """The norm in front of the addition."""
        return getattr(self, f"bn{self.num_convs}")


def default_strides(stages: int) -> tuple[int, ...]:
    """Returns the strides of a ResNet's stages: all but the first halve the map."""
    return (1,) + (2,) * (stages - 1)


class ResNetBody(Backbone):
    """A ResNet's modules and options; subclasses compute.

    Args:
        arch: Kind of block and of stem.
        layouts: The convolutions at full width, and at each further width that has
            norms of its own.
        depths: Blocks per stage.
        norm_cfg: OpenMMLab's dict; the subclass says which types there are.
        strides: Stride of each stage.
        dilations: Dilation of each stage; None: 1.
        contract_dilation: Whether the first block of a dilated stage has half of the
            dilation (as in mmseg).
        out_indices: Stages whose output is returned; None: all.
        style: "pytorch", the stride is in the 3x3 convolution. There is no other.
        frozen_stages: -1 freezes nothing, 0 the stem, i the stem and i stages.
        norm_eval: Whether batch norms keep their statistics in training.
        with_cp: Whether blocks recompute their activations in the backward pass.
        zero_init_residual: Whether each block starts as the identity.
        init_cfg: As in mmengine; None: Kaiming for convolutions, one for norms.

    Raises:
        UserError: An option is out of range.
    """

    block_type: type[ResidualBlock]

    def __init__(
        self,
        arch: ResNetArch,
        layouts: Sequence[Units],
        depths: Sequence[int],
        norm_cfg: Mapping[str, Any] | None = None,
        *,
        strides: Sequence[int],
        dilations: Sequence[int] | None = None,
        contract_dilation: bool = False,
        out_indices: Sequence[int] | None = None,
        style: Literal["pytorch"] = "pytorch",
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        init_cfg: dict | list[dict] | None = None,
    ):
        super().__init__(
            layouts,
            norm_cfg or {"type": "BN"},
            len(depths),
            range(len(depths)) if out_indices is None else out_indices,
            frozen_stages,
            norm_eval,
            init_cfg,
        )
        if style != "pytorch":
            raise BadConfigValue(f"style must be 'pytorch', not {style!r}")
        dilations = (1,) * len(depths) if dilations is None else dilations
        if not len(strides) == len(dilations) == len(depths):
            raise BadConfigValue(
                f"strides {tuple(strides)} and dilations {tuple(dilations)} need one "
                f"value for each of {len(depths)} stages"
            )
        self.arch = arch
        self.strides, self.dilations = tuple(strides), tuple(dilations)
        self.with_cp = with_cp
        self.zero_init_residual = zero_init_residual
        kernel = arch.stem_kernel
        self.conv1 = self.make_conv("conv1", kernel, 2 if kernel == 7 else 1, 1)
        self.bn1 = self.make_norm("conv1")
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if kernel == 7 else nn.Identity()
        for stage, depth in enumerate(depths):
            blocks = nn.Sequential()
            for block in range(depth):
                name = f"layer{stage + 1}.{block}"
                stride, dilation = strides[stage] if block == 0 else 1, dilations[stage]
                if block == 0 and contract_dilation and dilation > 1:
                    dilation //= 2
                project = f"{name}.downsample.0" in layouts[0]
                blocks.append(self.block_type(self, name, stride, dilation, project))
            self.add_module(f"layer{stage + 1}", blocks)
        self._finish()

    def stem_modules(self) -> list[nn.Module]:
        """See `Backbone.stem_modules`."""
        return [self.conv1, self.bn1]

    def stage_modules(self, stage: int) -> list[nn.Module]:
        """See `Backbone.stage_modules`."""
        return [self.get_submodule(f"layer{stage + 1}")]

    def cost_of(self, subnet: Subnet, shape: int | tuple[int, int] = 224) -> Cost:
        """See `Backbone.cost_of`."""
        stages = self.num_stages  # a C4 detector's has fewer than its sub-net
        subnet = replace(
            subnet,
            widths=subnet.widths[:stages],
            depths=subnet.depths[:stages],
            path=subnet.path and subnet.path[:stages],
        )
        strides, inputs = self.strides[:stages], self.conv1.in_channels
        dilations = self.dilations[:stages]
        return cost(self.arch, subnet, shape, strides, inputs, dilations=dilations)

    def last_norms(self) -> list[nn.Module]:
        """See `Backbone.last_norms`."""
        return [m.last_norm for m in self.modules() if isinstance(m, ResidualBlock)]

    def init_weights(self) -> None:
        """Initialises as ``init_cfg`` says, then zeroes the last norms."""
        super().init_weights()
        if self.zero_init_residual:
            self._zero_last_norms()

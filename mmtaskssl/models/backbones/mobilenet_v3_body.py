"""The modules of a MobileNetV3-Large, shared by the elastic and the plain one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from torch import nn

from ...subnets import Cost, MobileNetV3Arch, Subnet, cost
from ...utils.families import BadConfigValue
from ..elastic import Units, num_channels
from .base import Backbone
from .mobilenet_v3_units import BlockPlan, block_plans, last_conv

NORM = {"eps": 1e-3, "momentum": 0.01}
"""What torchvision, as the authors' code, gives to batch norm."""


class InvertedBlock(nn.Module):
    """The layers of an inverted residual block (arXiv 1905.02244, figure 4).

    Subclasses compute.

    Args:
        body: Makes the layers.
        plan: Says which.
        stride: Of the depthwise convolution, which may keep a map that the plan halves.
        dilation: Of the depthwise convolution.
    """

    def __init__(
        self, body: "MobileNetV3Body", plan: BlockPlan, stride: int, dilation: int
    ):
        super().__init__()
        self.plan = plan
        self.block = nn.Sequential()
        if plan.expand:
            self.block.append(body.make_unit(plan.expand, 1))
        self.block.append(
            body.make_unit(plan.depthwise, plan.spec.kernel, stride, True, dilation)
        )
        if plan.se:
            unit = body.unit(f"{plan.se}.fc1")
            self.block.append(
                body.se_type(num_channels(unit.in_), num_channels(unit.out))
            )
        self.block.append(body.make_unit(plan.project, 1))
        self.activation = (
            nn.Hardswish(inplace=True) if plan.hard_swish else nn.ReLU(inplace=True)
        )


class MobileNetV3Body(Backbone):
    """A MobileNetV3-Large's modules and options; subclasses compute.

    Outputs 0 to 5 are the stages (strides 2, 4, 8, 16, 16, 32), output 6 is the last
    convolution's (stride 32).

    Args:
        arch: The architecture.
        layouts: See `Backbone`.
        norm_cfg: See `Backbone`; ``eps`` and ``momentum`` default to torchvision's.
        output_stride: 32, or 16 or 8: blocks that would halve the map further dilate
            instead, as in mmseg's and torchvision's MobileNetV3.
        out_indices: Outputs that are returned.
        frozen_stages: -1 freezes nothing, 0 the stem, i the stem and i stages.
        norm_eval: Whether batch norms keep their statistics in training.
        with_cp: Whether blocks recompute their activations in the backward pass.
        zero_init_residual: Whether each block with a shortcut starts as the identity.
        init_cfg: As in mmengine; None: Kaiming for convolutions, one for norms.
    """

    block_type: type[InvertedBlock]
    se_type: Callable[[int, int], nn.Module]

    def __init__(
        self,
        arch: MobileNetV3Arch,
        layouts: Sequence[Units],
        norm_cfg: Mapping[str, Any],
        *,
        output_stride: Literal[8, 16, 32] = 32,
        out_indices: Sequence[int] = (6,),
        frozen_stages: int = -1,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = False,
        init_cfg: dict | list[dict] | None = None,
    ):
        if norm_cfg["type"] != "GN":
            norm_cfg = {**NORM, **norm_cfg}
        super().__init__(
            layouts,
            norm_cfg,
            len(arch.widths) + 1,
            out_indices,
            frozen_stages,
            norm_eval,
            init_cfg,
        )
        if output_stride not in (8, 16, 32):
            raise BadConfigValue(
                f"output_stride must be 8, 16 or 32, not {output_stride!r}"
            )
        self.arch, self.output_stride = arch, output_stride
        self.with_cp = with_cp
        self.zero_init_residual = zero_init_residual
        self.features = nn.Sequential(self.make_unit("features.0.0", 3, 2))
        reached, dilation = 2, 1
        for plan in block_plans(arch):
            stride = plan.spec.stride
            if reached * stride > output_stride:
                stride, dilation = 1, dilation * stride
            reached *= stride
            self.features.append(self.block_type(self, plan, stride, dilation))
        self.features.append(self.make_unit(last_conv(arch), 1))
        self.activation = nn.Hardswish(inplace=True)
        self._finish()

    def unit(self, name: str):
        """Returns the full-width unit of that name, while layers are made."""
        return self._layouts[0][name]

    def make_unit(
        self,
        name: str,
        kernel: int,
        stride: int = 1,
        depthwise: bool = False,
        dilation: int = 1,
    ) -> nn.Sequential:
        """Makes a convolution and its norm."""
        conv = self.make_conv(name, kernel, stride, dilation, depthwise)
        return nn.Sequential(conv, self.make_norm(name))

    def stem_modules(self) -> list[nn.Module]:
        """See `Backbone.stem_modules`."""
        return [self.features[0]]

    def stage_modules(self, stage: int) -> list[nn.Module]:
        """See `Backbone.stage_modules`."""
        if stage == self.num_stages - 1:
            return [self.features[-1]]
        return [b for b in self.features[1:-1] if b.plan.stage == stage]

    def cost_of(self, subnet: Subnet, shape: int | tuple[int, int] = 224) -> Cost:
        """See `Backbone.cost_of`."""
        return cost(
            self.arch,
            subnet,
            shape,
            in_channels=self.features[0][0].in_channels,
            output_stride=self.output_stride,
        )

    def last_norms(self) -> list[nn.Module]:
        """See `Backbone.last_norms`."""
        return [b.block[-1][1] for b in self.features[1:-1] if b.plan.residual]

    def init_weights(self) -> None:
        """Initialises as ``init_cfg`` says, then zeroes the last norms if asked to."""
        super().init_weights()
        if self.zero_init_residual:
            self._zero_last_norms()

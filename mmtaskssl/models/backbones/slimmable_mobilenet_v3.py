"""The slimmable MobileNetV3 of DSPNet."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...registry import MODELS
from ...subnets import Subnet, arch_to_dict, build_space
from ..elastic import (
    ElasticConv2d,
    ElasticSqueezeExcite,
    Units,
    build_elastic_norm,
    checkpointed,
    conv_norm,
)
from .elastic_backbone import ElasticBackbone, SubnetLike
from .layouts import switch_layouts
from .mobilenet_v3_body import NORM, InvertedBlock, MobileNetV3Body
from .mobilenet_v3_units import last_conv, mobilenet_v3_units
from .subnet_mobilenet_v3 import SubnetMobileNetV3


class _ElasticBlock(InvertedBlock):
    def forward(self, x: Tensor, units: Units) -> Tensor:
        plan, layers, out = self.plan, iter(self.block), x
        if plan.expand:
            out = self.activation(conv_norm(out, *next(layers), units[plan.expand]))
        out = self.activation(conv_norm(out, *next(layers), units[plan.depthwise]))
        if plan.se:
            out = next(layers)(out, units[f"{plan.se}.fc1"].out)
        out = conv_norm(out, *next(layers), units[plan.project])
        return out + x if plan.residual else out


@MODELS.register_module()
class SlimmableMobileNetV3(ElasticBackbone, MobileNetV3Body):
    """A MobileNetV3-Large that runs at several widths.

    Source: MobileNetV3 (arXiv 1905.02244), slimmed as DSPNet (arXiv 2207.06075) does.
    At full width its keys and results are those of torchvision's ``features``.

    Args:
        widths: Factors on all channels, expansions and squeezes, 1 among them.
        divisor: None rounds channels down; 8 as torchvision does, for arbitrary
            widths.
        subnet: Runs where none is given: a sub-net, its name, or an anchor's such as
            "0.5"; None: the widest.
        norm_cfg: None: ``SwitchableBN`` without a divisor, else ``BN``, which needs
            calibration; ``dict(type='GN', group_size=8)`` with a divisor of 8.
        in_channels: Channels of the images.
        **options: See `MobileNetV3Body`.
    """

    block_type, conv_type = _ElasticBlock, ElasticConv2d
    se_type = ElasticSqueezeExcite
    build_norm = staticmethod(build_elastic_norm)
    pyramid = (1, 2, 4, 6)

    def __init__(
        self,
        widths: Sequence[float] = (1.0, 0.75, 0.5, 0.35),
        divisor: int | None = None,
        subnet: SubnetLike | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        in_channels: int = 3,
        **options,
    ):
        space = build_space(
            {"preset": "slimmable_mobilenet_v3", "widths": widths, "divisor": divisor}
        )
        kind = "SwitchableBN" if divisor is None else "BN"
        norm_cfg = dict(norm_cfg or {"type": kind})

        def units(subnet: Subnet) -> Units:
            return mobilenet_v3_units(space.arch, subnet, in_channels)

        layouts = [units(space.max)]
        if norm_cfg["type"] == "SwitchableBN":
            layouts = switch_layouts(space, units)
        super().__init__(space.arch, layouts, norm_cfg, **options)
        self.in_channels = in_channels
        self._setup(space, subnet)

    def layout(self, subnet: Subnet, **view) -> Units:
        """See `ElasticBackbone.layout`."""
        return mobilenet_v3_units(self.arch, subnet, self.in_channels, **view)

    def forward(
        self, x: Tensor, subnet: SubnetLike | None = None
    ) -> tuple[Tensor, ...]:
        """Returns the feature maps of ``out_indices``.

        Args:
            x: Images (N, in_channels, H, W).
            subnet: What to run; None: the default one.

        Raises:
            UserError: This network cannot run the sub-net, or it is to be evaluated
                and has not been calibrated.
        """
        units = self._active(subnet).units
        x = self.activation(conv_norm(x, *self.features[0], units["features.0.0"]))
        outs: dict[int, Tensor] = {}
        for block in self.features[1:-1]:
            if self.with_cp and x.requires_grad:
                x = checkpointed(block, block, x, units)
            else:
                x = block(x, units)
            outs[block.plan.stage] = x
        last = self.num_stages - 1
        if last in self.out_indices:
            unit = units[last_conv(self.arch)]
            outs[last] = self.activation(conv_norm(x, *self.features[-1], unit))
        return tuple(outs[i] for i in sorted(outs) if i in self.out_indices)

    def plain_config(self, subnet: Subnet) -> dict[str, Any]:
        """See `ElasticBackbone.plain_config`."""
        config: dict[str, Any] = {
            "type": "mmtaskssl.SubnetMobileNetV3",
            "subnet": subnet.name,
        }
        if self.arch.divisor is not None:
            config["arch"] = arch_to_dict(self.arch)
        norm = self.plain_norm_cfg()
        if norm != {"type": "BN", **NORM}:
            config["norm_cfg"] = norm
        if self.in_channels != 3:
            config["in_channels"] = self.in_channels
        if self.output_stride != 32:
            config["output_stride"] = self.output_stride
        if self.zero_init_residual:
            config["zero_init_residual"] = True
        return {**config, "out_indices": self.out_indices}

    def build_plain(self, subnet: Subnet) -> nn.Module:
        """See `ElasticBackbone.build_plain`."""
        config = self.plain_config(subnet)
        config.pop("type")
        return SubnetMobileNetV3(**config)

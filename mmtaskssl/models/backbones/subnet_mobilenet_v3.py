"""The plain network that one width of a slimmable MobileNetV3 is."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from ...registry import MODELS
from ...subnets import Cost, MobileNetV3Arch, Subnet, build_arch
from ...utils.families import BadSpace
from ..elastic import checkpointed
from .mobilenet_v3_body import InvertedBlock, MobileNetV3Body
from .mobilenet_v3_units import mobilenet_v3_units
from .plain_norm import build_plain_norm


class _PlainBlock(InvertedBlock):
    def forward(self, x: Tensor) -> Tensor:
        out = x
        for layer in self.block[:-1]:
            out = layer(out)
            if not isinstance(layer, SqueezeExcitation):
                out = self.activation(out)
        # torchvision squeezes the activated channels, as the paper's figure 4 does.
        out = self.block[-1](out)
        return out + x if self.plan.residual else out


@MODELS.register_module()
class SubnetMobileNetV3(MobileNetV3Body):
    """A static MobileNetV3-Large of any width, as exported from a slimmable one.

    Its keys are torchvision's. With ``arch=dict(kind='mobilenet_v3', divisor=8)`` so
    are the shapes and results of every width.

    Args:
        subnet: The sub-net or its name, whose ``-m0.5`` is the width.
        arch: `MobileNetV3Arch` or its dict.
        norm_cfg: ``BN`` or ``SyncBN`` with the layer's arguments, or
            ``dict(type='GN', group_size=8)``.
        in_channels: Channels of the images.
        **options: See `MobileNetV3Body`.

    Raises:
        UserError: The sub-net does not fit the architecture, or a bad option.
    """

    block_type, conv_type = _PlainBlock, nn.Conv2d
    se_type = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)
    build_norm = staticmethod(build_plain_norm)

    def __init__(
        self,
        subnet: Subnet | str | Mapping[str, Any],
        arch: MobileNetV3Arch | Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        in_channels: int = 3,
        **options,
    ):
        subnet = Subnet.of(subnet)
        arch = build_arch(arch or {"kind": "mobilenet_v3"})
        if not isinstance(arch, MobileNetV3Arch):
            raise BadSpace("SubnetMobileNetV3 needs an architecture of that kind")
        units = mobilenet_v3_units(arch, subnet, in_channels)
        super().__init__(arch, [units], norm_cfg or {"type": "BN"}, **options)
        self.subnet = subnet

    def cost(self, shape: int | tuple[int, int] = 224) -> Cost:
        """Returns the MACs and parameters of this network.

        Args:
            shape: Height and width of the image, or one number for both.
        """
        return self.cost_of(self.subnet, shape)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Returns the feature maps of ``out_indices``.

        Args:
            x: Images (N, in_channels, H, W).
        """
        x = self.activation(self.features[0](x))
        outs: dict[int, Tensor] = {}
        for block in self.features[1:-1]:
            if self.with_cp and x.requires_grad:
                x = checkpointed(block, block, x)
            else:
                x = block(x)
            outs[block.plan.stage] = x
        if self.num_stages - 1 in self.out_indices:
            outs[self.num_stages - 1] = self.activation(self.features[-1](x))
        return tuple(outs[i] for i in sorted(outs) if i in self.out_indices)

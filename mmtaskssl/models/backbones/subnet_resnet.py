"""The plain network that one sub-net is."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...registry import MODELS
from ...subnets import Cost, ResNetArch, Subnet, build_arch
from ...utils.families import BadConfigValue
from ..elastic import checkpointed
from .plain_norm import build_plain_norm
from .resnet_body import ResidualBlock, ResNetBody, default_strides
from .resnet_units import resnet_units


class _PlainBlock(ResidualBlock):
    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.num_convs == 3:
            out = self.bn3(self.conv3(self.relu(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


@MODELS.register_module()
class SubnetResNet(ResNetBody):
    """A static ResNet of any stem, widths and depths, as exported from an elastic one.

    Its keys and, where the shape is a usual one, its results are those of the ResNets
    of torchvision and OpenMMLab.

    Args:
        subnet: The sub-net or its name, ``s64-w64.128.256.512-d3.4.6.3``.
        arch: `ResNetArch` or its dict; the default is a 7x7-stem bottleneck ResNet.
        norm_cfg: ``BN`` or ``SyncBN`` with the layer's arguments, or
            ``dict(type='GN', group_size=16)``.
        in_channels: Channels of the images.
        strides: Stride of each stage; None: 1 for the first, else 2.
        num_stages: Stages that are built; None: all. Detectors of the C4 kind have the
            last one elsewhere.
        **options: See `ResNetBody`.

    Raises:
        UserError: The sub-net does not fit the architecture, or a bad option.
    """

    block_type, conv_type = _PlainBlock, nn.Conv2d
    build_norm = staticmethod(build_plain_norm)

    def __init__(
        self,
        subnet: Subnet | str | Mapping[str, Any],
        arch: ResNetArch | Mapping[str, Any] | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        in_channels: int = 3,
        strides: Sequence[int] | None = None,
        num_stages: int | None = None,
        **options,
    ):
        subnet = Subnet.of(subnet)
        arch = build_arch(arch or {"kind": "resnet"})
        strides = strides or default_strides(len(subnet.widths))
        if len(strides) != len(subnet.widths):
            raise BadConfigValue(
                f"strides {tuple(strides)} do not fit sub-net {subnet}"
            )
        dilations = options.get("dilations")
        units = resnet_units(arch, subnet, strides, in_channels, dilations)
        super().__init__(
            arch, [units], subnet.depths, norm_cfg, strides=strides, **options
        )
        self.subnet = subnet
        if num_stages is not None:
            self._keep_stages(num_stages)

    def _keep_stages(self, number: int) -> None:
        if not max(self.out_indices) < number <= self.num_stages:
            raise BadConfigValue(
                f"num_stages={number} does not hold out_indices {self.out_indices}, or "
                f"sub-net {self.subnet} has fewer stages"
            )
        for stage in range(number, self.num_stages):
            delattr(self, f"layer{stage + 1}")
        self.num_stages = number

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
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        outs = []
        for stage in range(self.num_stages):
            for block in self.get_submodule(f"layer{stage + 1}"):
                if self.with_cp and x.requires_grad:
                    x = checkpointed(block, block, x)
                else:
                    x = block(x)
            if stage in self.out_indices:
                outs.append(x)
        return tuple(outs)

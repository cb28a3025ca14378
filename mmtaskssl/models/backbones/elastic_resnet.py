"""The one elastic ResNet that all kinds are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from ...subnets import ResNetArch, Subnet, arch_to_dict, build_space
from ...utils.families import BadConfigValue, BadSpace
from ..elastic import (
    ElasticConv2d,
    NormView,
    Units,
    build_elastic_norm,
    checkpointed,
    conv_norm,
)
from .elastic_backbone import ElasticBackbone, SubnetLike
from .layouts import may_project, switch_layouts
from .resnet_body import ResidualBlock, ResNetBody, default_strides
from .resnet_units import resnet_units
from .subnet_resnet import SubnetResNet


class _ElasticBlock(ResidualBlock):
    def forward(self, x: Tensor, units: Units) -> Tensor:
        out = x
        for index in range(1, self.num_convs + 1):
            conv, norm = getattr(self, f"conv{index}"), getattr(self, f"bn{index}")
            out = conv_norm(out, conv, norm, units[f"{self.name}.conv{index}"])
            if index < self.num_convs:
                out = self.relu(out)
        unit = units.get(f"{self.name}.downsample.0")
        if unit is not None:
            x = conv_norm(x, *self.downsample, unit)
        return self.relu(out + x)


class ElasticResNet(ElasticBackbone, ResNetBody):
    """A ResNet that runs any sub-net of a search space with slices of one weight.

    A sub-net is an argument of `forward`; the module keeps no active one. Narrower
    sub-nets use the first channels, shallower ones the first blocks of each stage, a
    path its stages' shared channels and one group of the others.

    Args:
        space: A `SearchSpace` or its config; this network is its largest sub-net.
        subnet: Runs where none is given: a sub-net, its name, or an anchor's;
            None: the largest.
        norm_cfg: ``BN`` (shared; all but the largest sub-net need calibration before
            evaluation), ``SyncBN`` (the same), ``SwitchableBN`` (one per sub-net of a
            listed space, or per path), or ``dict(type='GN', group_size=16)``.
        in_channels: Channels of the images.
        strides: Stride of each stage; None: 1 for the first, else 2.
        **options: See `ResNetBody`.

    Raises:
        UserError: The space is not one of ResNets, or a bad option.
    """

    block_type, conv_type = _ElasticBlock, ElasticConv2d
    build_norm = staticmethod(build_elastic_norm)

    def __init__(
        self,
        space,
        subnet: SubnetLike | None = None,
        norm_cfg: Mapping[str, Any] | None = None,
        in_channels: int = 3,
        strides: Sequence[int] | None = None,
        **options,
    ):
        space = build_space(space)
        arch = space.arch
        if not isinstance(arch, ResNetArch):
            raise BadSpace("the search space of this backbone must be one of ResNets")
        strides = strides or default_strides(len(space.max.widths))
        if len(strides) != len(space.max.widths):
            raise BadConfigValue(
                f"strides {tuple(strides)} do not fit sub-net {space.max}"
            )
        norm_cfg = dict(norm_cfg or {"type": "BN"})

        def units(subnet: Subnet) -> Units:
            dilations = options.get("dilations")
            return resnet_units(arch, subnet, strides, in_channels, dilations)

        layouts = [units(space.max)]
        if norm_cfg["type"] == "SwitchableBN":
            layouts = switch_layouts(space, units)
        elif may_project(space, units):
            layouts = [_with_projection(layouts[0])]
        super().__init__(
            arch, layouts, space.max.depths, norm_cfg, strides=strides, **options
        )
        self.in_channels = in_channels
        self.pyramid = tuple(range(self.num_stages))
        self._plain_options = {
            key: options[key]
            for key in ("dilations", "contract_dilation")
            if key in options
        }
        if not self.zero_init_residual:  # its untrained network starts as this one did
            self._plain_options["zero_init_residual"] = False
        self._setup(space, subnet)

    def layout(self, subnet: Subnet, **view) -> Units:
        """See `ElasticBackbone.layout`."""
        return resnet_units(
            *(self.arch, subnet, self.strides, self.in_channels, self.dilations), **view
        )

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
        view = self._active(subnet)
        units = view.units
        x = self.maxpool(self.relu(conv_norm(x, self.conv1, self.bn1, units["conv1"])))
        outs = []
        for stage, depth in enumerate(view.depths):
            for block in self.get_submodule(f"layer{stage + 1}")[:depth]:
                if self.with_cp and x.requires_grad:
                    x = checkpointed(block, block, x, units)
                else:
                    x = block(x, units)
            if stage in self.out_indices:
                outs.append(x)
        return tuple(outs)

    def plain_config(self, subnet: Subnet) -> dict[str, Any]:
        """See `ElasticBackbone.plain_config`."""
        config = {"type": "mmtaskssl.SubnetResNet", "subnet": subnet.name}
        arch = arch_to_dict(self.arch)
        if arch != {"kind": "resnet", "block": "bottleneck", "stem_kernel": 7}:
            config["arch"] = arch
        norm = self.plain_norm_cfg()
        if norm != {"type": "BN"}:
            config["norm_cfg"] = norm
        if self.in_channels != 3:
            config["in_channels"] = self.in_channels
        if self.strides != default_strides(self.num_stages):
            config["strides"] = self.strides
        return config | self._plain_options | {"out_indices": self.out_indices}

    def build_plain(self, subnet: Subnet) -> nn.Module:
        """See `ElasticBackbone.build_plain`."""
        config = self.plain_config(subnet)
        config.pop("type")
        return SubnetResNet(**config)


def _with_projection(units: Units) -> Units:
    """Adds the first block's projection, which the largest sub-net may not need."""
    name = "layer1.0.downsample"
    if f"{name}.0" in units:
        return units
    last = max(k for k in units if k.startswith("layer1.0.conv"))
    out, in_ = units[last].out, units["conv1"].out
    unit = replace(
        units["conv1"],
        conv=f"{name}.0",
        norm=f"{name}.1",
        out=out,
        in_=in_,
        view=NormView(out),
    )
    return {**units, f"{name}.0": unit}

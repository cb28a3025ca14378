"""Exported sub-nets in the networks that mmdet, mmseg and torchvision build."""

import importlib
from collections.abc import Iterator

import torch
import torchvision
from torch import Tensor, nn

from mmtaskssl.export.hosts import host_config
from mmtaskssl.export.state_dict import export_state_dict
from mmtaskssl.models.backbones import ElasticBackbone
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.tables import row

from .parity import KINDS, difference, images, make

_ANCHORS = ("R50", "R77", "R101", "MIN")


@torch.no_grad()
def host_table(seed: int) -> Iterator[str]:
    """Yields the rows of the second table."""
    yield "| anchor | sub-net | loaded strictly into | worst difference |"
    yield "| --- | --- | --- | ---: |"
    net, (x,) = make(KINDS["DynamicResNet, bottleneck"], seed), images(1234, 1)
    for name in _ANCHORS:
        subnet = net.resolve(name)
        calibrate(net, subnet, images(1, 2))
        state, expected = export_state_dict(net, subnet), net(x, subnet)
        for label, model in host_models(net, subnet):
            model.load_state_dict(state, strict=True)
            model.eval()  # returns None in mmdet
            worst, _ = difference(expected, model(x))
            yield row([name, f"`{subnet}`", label, f"{worst:.1e}"])


def host_models(
    net: ElasticBackbone, subnet: Subnet
) -> Iterator[tuple[str, nn.Module]]:
    """Yields what each host builds for a sub-net, with random weights."""
    for host in ("mmdet", "mmseg"):
        config = host_config(net, subnet, host, None)
        for key in ("strides", "dilations", "contract_dilation"):
            config.pop(key, None)  # the same weights at the stride of classification
        yield f"{config['type']} (by {host})", host_build(host, config)
    if subnet.stem == 64 and subnet.widths == (64, 128, 256, 512):
        yield f"torchvision ResNet {list(subnet.depths)}", torchvision_resnet(subnet)


def host_build(host: str, config: dict) -> nn.Module:
    """Builds a backbone with a host's registry."""
    importlib.import_module(f"{host}.models")  # registers
    return importlib.import_module(f"{host}.registry").MODELS.build(config)


class _Stages(nn.Module):
    """A torchvision ResNet that returns its stages' outputs."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        net.fc = nn.Identity()
        self.net = net

    def load_state_dict(self, state, strict=True):
        return self.net.load_state_dict(state, strict=strict)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the feature maps of the four stages."""
        net, outs = self.net, []
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            outs.append(x := layer(x))
        return outs


def torchvision_resnet(subnet: Subnet) -> nn.Module:
    """Returns torchvision's bottleneck ResNet of these depths."""
    block = torchvision.models.resnet.Bottleneck
    return _Stages(torchvision.models.ResNet(block, list(subnet.depths)))

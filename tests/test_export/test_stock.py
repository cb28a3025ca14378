"""Sub-nets of a usual shape are the hosts' own ResNets."""

import pytest
import torch
from torch import nn

from mmtaskssl.export.state_dict import export_state_dict
from mmtaskssl.export.stock import StockShape, stock_shape
from mmtaskssl.models.backbones import DynamicResNet, RoutedResNet, SlimmableResNet
from mmtaskssl.models.elastic import calibrate
from mmtaskssl.subnets import Subnet

from ..test_models.test_backbones._nets import batches, randomize

WIDE = {
    "kind": "list",
    "arch": {"kind": "resnet", "block": "bottleneck"},
    "subnets": ["s24-w20.40.80.160-d3.4.24.3", "s16-w16.32.64.128-d3.4.23.3"],
}
CASES = {
    "18-w64": (lambda: SlimmableResNet(18), "1", StockShape(18, 64)),
    "18-w32": (lambda: SlimmableResNet(18), "0.5", StockShape(18, 32)),
    "34-w16": (lambda: SlimmableResNet(34), "0.25", StockShape(34, 16)),
    "50-w32": (
        lambda: SlimmableResNet(50, (1, 0.5), divisor=8),
        "0.5",
        StockShape(50, 32),
    ),
    "101-w16": (
        lambda: DynamicResNet(WIDE),
        "s16-w16.32.64.128-d3.4.23.3",
        StockShape(101, 16),
    ),
    "50-routed": (
        lambda: RoutedResNet(50, "export", groups=2, base_width=64),
        "s64-w96.192.384.768-d3.4.6.3-p1.0.1.0",
        StockShape(50, 64),
    ),
    "18-routed-all": (
        lambda: RoutedResNet(18, "compact", groups=2, base_width=16),
        "MAX",
        StockShape(18, 16),
    ),
}


def _mmdet(shape):
    from mmdet.models.backbones import ResNet

    return ResNet(shape.depth, base_channels=shape.base_channels)


def _mmseg(shape):
    from mmseg.models.backbones import ResNet

    width = shape.base_channels
    return ResNet(shape.depth, stem_channels=width, base_channels=width)


def _mmcls(shape):
    from mmcls.models.backbones import ResNet

    width = shape.base_channels
    return ResNet(
        shape.depth,
        stem_channels=width,
        base_channels=width,
        out_indices=(0, 1, 2, 3),
    )


def _mmselfsup(shape):
    from mmselfsup.models.backbones import ResNet

    width = shape.base_channels
    return ResNet(
        shape.depth,
        stem_channels=width,
        base_channels=width,
        out_indices=(1, 2, 3, 4),
    )


class _Torchvision(nn.Module):
    def __init__(self, shape):
        super().__init__()
        from torchvision import models

        self.net = getattr(models, f"resnet{shape.depth}")()
        self.net.fc = nn.Identity()

    def load_state_dict(self, state, strict=True):
        return self.net.load_state_dict(state, strict=strict)

    def forward(self, x):
        net = self.net
        x = net.maxpool(net.relu(net.bn1(net.conv1(x))))
        outs = []
        for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
            x = layer(x)
            outs.append(x)
        return outs


HOSTS = {
    "mmdet": _mmdet,
    "mmseg": _mmseg,
    "mmcls": _mmcls,
    "mmselfsup": _mmselfsup,
    "torchvision": _Torchvision,
}


@pytest.mark.parametrize("case", CASES)
def test_loads_strictly_into_the_hosts_and_gives_the_same(case):
    make, name, shape = CASES[case]
    net = randomize(make())
    subnet = net.resolve(name)
    if net.needs_calibration(subnet):
        calibrate(net, subnet, batches())
    assert stock_shape(net, subnet) == shape
    state = export_state_dict(net.eval(), subnet)
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = net(x, subnet)
    for host, build in HOSTS.items():
        if host == "torchvision" and shape.base_channels != 64:
            continue
        pytest.importorskip(host)
        model = build(shape)
        model.load_state_dict(state, strict=True)
        model.eval()  # returns None in mmdet
        with torch.no_grad():
            result = model(x)
        for a, b in zip(expected, result, strict=True):
            assert a.abs().max() > 0.1
            assert (a - b).abs().max() < 1e-5, host


@pytest.mark.parametrize(
    ("net", "name"),
    [
        (lambda: SlimmableResNet(18, stem_kernel=3), "1"),
        (lambda: SlimmableResNet(18, norm_cfg={"type": "GN", "group_size": 8}), "1"),
        (lambda: DynamicResNet("data_basic"), "s32-w32.64.128.256-d2.2.2.1"),
        (lambda: DynamicResNet("data_basic"), "s24-w32.64.128.256-d2.2.2.2"),
        (lambda: DynamicResNet("data_basic"), "s32-w32.64.128.192-d2.2.2.2"),
        (lambda: RoutedResNet(18, groups=2, base_width=16), 0),
    ],
)
def test_other_shapes_are_not_stock(net, name):
    net = net()
    subnet = net.space[name] if isinstance(name, int) else net.resolve(name)
    assert isinstance(subnet, Subnet)
    assert stock_shape(net, subnet) is None

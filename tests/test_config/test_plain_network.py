"""Only the networks that exports are can be named in a file."""

import pytest

from mmtaskssl.config.plain_network import check_plain_network
from mmtaskssl.models.backbones import (
    DynamicResNet,
    RoutedResNet,
    SlimmableMobileNetV3,
    SlimmableResNet,
)
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

_GOOD = {"type": "mmtaskssl.SubnetResNet", "subnet": "s8-w8.16.32.64-d1.1.1.1"}


@pytest.mark.parametrize(
    "network",
    [
        lambda: DynamicResNet("data_basic", norm_cfg={"type": "GN", "group_size": 8}),
        lambda: SlimmableResNet(18, in_channels=4, strides=(1, 2, 2, 1)),
        lambda: SlimmableMobileNetV3(norm_cfg={"type": "SwitchableBN", "eps": 1e-3}),
        lambda: RoutedResNet(10, groups=2, base_width=8),
    ],
)
def test_every_export_passes(network):
    network = network()
    config = network.plain_config(network.subnet)
    assert check_plain_network(config) == config
    assert MODELS.build(check_plain_network(config)) is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "os.makedirs", "name": "x"}, "type is 'os.makedirs', none of"),
        ({"type": "SubnetResNet"}, "none of mmtaskssl.SubnetResNet"),
        ({"type": "mmtaskssl.DynamicResNet"}, "none of"),
        ({"type": ["mmtaskssl.SubnetResNet"]}, "none of"),
        ({"type": None}, "none of"),
        ({"init_cfg": {"type": "Pretrained"}}, "init_cfg is no argument"),
        ({"layouts": []}, "layouts is no argument"),
        ({"self": 1}, "self is no argument"),
        ({"options": {}}, "options is no argument"),
        ({"out_stride": 8}, "out_stride is no argument"),
        ({"norm_cfg": {"type": "os.makedirs"}}, "norm_cfg must be of BN"),
        ({"norm_cfg": {"type": "BN", "device": "x"}}, "norm_cfg.device is no arg"),
        ({"norm_cfg": {"type": "BN", "eps": {"type": "x"}}}, "norm_cfg.eps is no num"),
        ({"norm_cfg": "BN"}, "norm_cfg must be"),
        ({"arch": {"kind": "os.makedirs"}}, "kind must be one of"),
        ({"arch": ["resnet"]}, "arch is no object"),
        ({"strides": [{"type": "x"}]}, "strides is no plain value"),
        ({"subnet": "s8"}, "s8"),
        ({"subnet": {"type": "x"}}, "subnet is no plain value"),
    ],
)
def test_all_else_is_refused(change, words):
    with pytest.raises(UserError, match=words):
        check_plain_network({**_GOOD, **change})


def test_what_is_no_config():
    for value in (None, [], "mmtaskssl.SubnetResNet", {"type": _GOOD["type"]}):
        with pytest.raises(UserError, match="plain_network"):
            check_plain_network(value)
    assert check_plain_network(_GOOD) == _GOOD

import pytest

from mmtaskssl.subnets import (
    MobileNetV3Arch,
    ResNetArch,
    Routes,
    Subnet,
    arch_to_dict,
    build_arch,
    round_channels,
)
from mmtaskssl.utils.errors import UserError

ROUTES = {
    "shared": [32, 64],
    "group": [8, 16],
    "groups": [4, 4],
    "stream": [256, 512],
}


def test_routes_say_what_a_path_runs():
    arch = build_arch({"kind": "resnet", "routes": ROUTES})
    everything = Subnet(64, (64, 128), (1, 1))
    half = Subnet(64, (64, 128), (1, 1), (-1, 3))
    path = Subnet(64, (64, 128), (1, 1), (0, 3))
    assert arch.inner_widths(everything) == (64, 128)
    assert arch.inner_widths(half) == (64, 80)
    assert arch.inner_widths(path) == (40, 80)
    assert arch.out_channels(path) == arch.out_channels(everything) == (256, 512)


def test_out_channels():
    subnet = Subnet(16, (16, 32), (1, 1))
    assert ResNetArch("bottleneck").out_channels(subnet) == (64, 128)
    assert ResNetArch("basic").out_channels(subnet) == (16, 32)
    arch = MobileNetV3Arch()
    half = Subnet(16, arch.widths, arch.full.depths, multiplier=0.5)
    assert arch.out_channels(half) == (8, 12, 20, 40, 56, 80, 480)


@pytest.mark.parametrize(
    "config",
    [
        {"kind": "resnet", "block": "basic", "stem_kernel": 3},
        {"kind": "resnet", "block": "bottleneck", "stem_kernel": 7, "routes": ROUTES},
        {"kind": "mobilenet_v3", "divisor": 8},
        {"kind": "mobilenet_v3"},
    ],
)
def test_dict_and_back(config):
    arch = build_arch(config)
    assert arch_to_dict(arch) == config
    assert build_arch(arch) is arch
    assert hash(arch) == hash(build_arch(config))


@pytest.mark.parametrize(
    ("channels", "width", "divisor", "expected"),
    [
        (64, 0.75, None, 48),
        (240, 0.35, None, 84),
        (16, 0.35, None, 5),
        (1, 0.25, None, 1),
        (16, 0.75, 8, 16),
        (24, 0.35, 8, 8),
        (80, 0.35, 8, 32),  # 28 rounds to 32
        (184, 0.5, 8, 96),  # 92 is a tie-like case: up
        (19, 1.0, 8, 24),  # 16 would lose more than 10 %
    ],
)
def test_round_channels(channels, width, divisor, expected):
    assert round_channels(channels, width, divisor) == expected


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "kind must be one of"),
        ({"kind": "vit"}, "kind must be one of"),
        ({"kind": "resnet", "block": "plain"}, "block must be"),
        ({"kind": "resnet", "stem_kernel": 5}, "stem_kernel must be"),
        ({"kind": "resnet", "depth": 50}, "depth"),
        ({"kind": "mobilenet_v3", "divisor": 0}, "divisor"),
        ({"kind": "resnet", "routes": {"shared": [1]}}, "routes|missing"),
        ({"kind": "resnet", "routes": {**ROUTES, "groups": [4]}}, "per stage"),
        ({"kind": "resnet", "routes": {**ROUTES, "groups": [4, 0]}}, "positive"),
    ],
)
def test_bad_configs(config, message):
    with pytest.raises(UserError, match=message):
        build_arch(config)


def test_subnets_that_do_not_fit():
    routed = ResNetArch(routes=Routes(**ROUTES))
    with pytest.raises(UserError, match=r"widths with all groups are w64\.128"):
        routed.check(Subnet(64, (64, 64), (1, 1)))
    with pytest.raises(UserError, match="group 4 in stage 1, which has only groups 0"):
        routed.check(Subnet(64, (64, 128), (1, 1), (0, 4)))
    with pytest.raises(UserError, match="width multiplier"):
        routed.check(Subnet(64, (64, 128), (1, 1), multiplier=0.5))

import pytest
import torch

from mmtaskssl.registry import MODELS
from mmtaskssl.subnets import (
    MobileNetV3Arch,
    ResNetArch,
    Subnet,
    build_space,
    cost,
    layers,
    measure_latency,
)
from mmtaskssl.utils.errors import UserError

from ._reference import (
    count,
    mobilenet_with_floors,
    plain_resnet,
    torchvision_mobilenet,
    torchvision_resnet,
)


def measured(arch, subnet, shape=224):
    result = cost(arch, subnet, shape)
    return result.macs, result.params


@pytest.mark.parametrize(
    ("name", "block", "subnet"),
    [
        ("resnet18", "basic", "s64-w64.128.256.512-d2.2.2.2"),
        ("resnet34", "basic", "s64-w64.128.256.512-d3.4.6.3"),
        ("resnet50", "bottleneck", "s64-w64.128.256.512-d3.4.6.3"),
        ("resnet101", "bottleneck", "s64-w64.128.256.512-d3.4.23.3"),
    ],
)
@pytest.mark.parametrize("shape", [(224, 224), (65, 97)])
def test_resnets_of_torchvision(name, block, subnet, shape):
    expected = count(torchvision_resnet, name, shape=shape)
    assert measured(ResNetArch(block), Subnet.parse(subnet), shape) == expected


@pytest.mark.parametrize("shape", [(224, 224), (65, 97)])
@pytest.mark.parametrize("width", [1, 0.75, 0.5, 0.35])
def test_mobilenet_of_torchvision(width, shape):
    space = build_space({"preset": "slimmable_mobilenet_v3", "divisor": 8})
    subnet = space.resolve(f"{width:g}")
    expected = count(torchvision_mobilenet, width, shape=shape)
    assert measured(space.arch, subnet, shape) == expected


@pytest.mark.parametrize("width", [0.75, 0.5, 0.35])
def test_mobilenet_with_floored_channels(width):
    space = build_space("slimmable_mobilenet_v3")
    subnet = space.resolve(f"{width:g}")
    if width == 0.35:  # the channel that a bare int() of a float product loses
        assert space.arch.scale(240, subnet) == 84
    expected = count(mobilenet_with_floors, width)
    assert measured(space.arch, subnet) == expected


@pytest.mark.parametrize(
    "config",
    [
        "data_bottleneck",
        "data_basic",
        {"preset": "data_basic", "stem_kernel": 3},
        "slimmable_resnet",
        {"preset": "slimmable_resnet", "depth": 18, "stem_kernel": 3},
        {"preset": "slimmable_resnet", "depth": 34},
        "routed_resnet",
        {"preset": "routed_resnet", "style": "export"},
        {"preset": "routed_resnet", "depth": 18, "groups": 2, "base_width": 16},
    ],
    ids=str,
)
def test_every_kind_of_resnet_equals_a_counted_network(config):
    space = build_space(config)
    subnets = {*space.anchors.values(), *(space.sample(seed) for seed in range(6))}
    if space.arch.routes:  # a path in the middle of progressive training
        subnets.add(Subnet.parse(f"{space.max}-px.x.1.0"))
    for subnet in subnets:
        expected = count(plain_resnet, space.arch, subnet, shape=(75, 64))
        assert measured(space.arch, subnet, (75, 64)) == expected


@pytest.mark.parametrize(
    "config",
    [
        {"type": "mmtaskssl.DynamicResNet", "space": "data_basic"},
        {"type": "mmtaskssl.DynamicResNet", "strides": (2, 2, 1, 1), "in_channels": 1},
        {"type": "mmtaskssl.SlimmableResNet", "depth": 18, "stem_kernel": 3},
        {"type": "mmtaskssl.RoutedResNet", "groups": 2},
        {"type": "mmtaskssl.RoutedResNet", "style": "export"},
    ],
    ids=str,
)
def test_equal_to_the_network_that_export_writes(config):
    with torch.device("meta"):
        backbone = MODELS.build(config)
    space = backbone.space
    channels = backbone.in_channels
    for subnet in (space.max, space.min, space.sample(5)):
        expected = count(
            backbone.build_plain, subnet, shape=(64, 48), in_channels=channels
        )
        result = cost(
            space.arch,
            subnet,
            (64, 48),
            strides=backbone.strides,
            in_channels=channels,
        )
        assert (result.macs, result.params) == expected


@pytest.mark.parametrize("strides", [(2, 2, 2, 2), (1, 2, 1, 1), (1, 1, 2, 2)])
@pytest.mark.parametrize("preset", ["data_basic", "data_bottleneck"])
def test_other_strides_and_images(preset, strides):
    space = build_space(preset)
    for subnet in (space.min, space.max, space.sample(1)):
        expected = count(
            plain_resnet, space.arch, subnet, strides, 4, shape=(64, 64), in_channels=4
        )
        result = cost(space.arch, subnet, 64, strides=strides, in_channels=4)
        assert (result.macs, result.params) == expected
    with pytest.raises(UserError, match="strides"):
        cost(space.arch, space.min, strides=(1, 2))
    with pytest.raises(UserError, match="strides of a MobileNetV3"):
        cost(MobileNetV3Arch(), MobileNetV3Arch().full, strides=strides)


# What the method pages state, with their digits: GMACs at 224 and M parameters.
FIGURES = [
    ("data_bottleneck", "MIN", 1.67, 9.7),
    ("data_bottleneck", "R50", 4.09, 23.5),
    ("data_bottleneck", "R77", 6.05, 33.6),
    ("data_bottleneck", "R101", 7.80, 42.5),
    ("data_bottleneck", "MAX", 15.51, 84.8),
    ("slimmable_resnet", "1", 4.09, 23.51),
    ("slimmable_resnet", "0.75", 2.32, 13.23),
    ("slimmable_resnet", "0.5", 1.05, 5.89),
    ("slimmable_resnet", "0.25", 0.28, 1.48),
    ("routed_resnet", "MAX", 4.09, 23.5),
    ("routed_resnet", "s64-w64.128.256.512-d3.4.6.3-p0.3.1.2", 2.30, 13.1),
    ("export", "MAX", 16.4, 97),
    ("export", "s64-w160.320.640.1280-d3.4.6.3-p0.3.1.2", 4.09, 23.5),
]


@pytest.mark.parametrize(("space", "subnet", "gmacs", "params"), FIGURES)
def test_published_figures(space, subnet, gmacs, params):
    if space == "export":
        space = {"preset": "routed_resnet", "style": "export"}
    space = build_space(space)
    result = cost(space.arch, space.resolve(subnet))
    digits = [len(str(x).partition(".")[2]) for x in (gmacs, params)]
    assert round(result.macs / 1e9, digits[0]) == gmacs
    assert round(result.params / 1e6, digits[1]) == params


def test_a_path_of_the_export_style_is_a_resnet50():
    space = build_space({"preset": "routed_resnet", "style": "export"})
    expected = count(torchvision_resnet, "resnet50")
    for seed in range(5):
        assert measured(space.arch, space.sample(seed)) == expected


def test_layers_add_up_and_have_names():
    arch, subnet = ResNetArch("basic"), Subnet(16, (16, 32), (1, 1))
    rows = list(layers(arch, subnet, 32))
    assert [row.name for row in rows] == [
        "stem",
        "stage0.block0.conv1",
        "stage0.block0.conv2",
        "stage1.block0.conv1",
        "stage1.block0.conv2",
        "stage1.block0.shortcut",
    ]
    assert sum(row.macs for row in rows) == cost(arch, subnet, 32).macs
    assert sum(row.params for row in rows) == cost(arch, subnet, 32).params


@pytest.mark.parametrize("shape", [0, (224, 0), (3, 224, 224)])
def test_bad_shapes(shape):
    with pytest.raises(UserError, match="image shape"):
        cost(ResNetArch(), Subnet(64, (64,), (1,)), shape)


def test_a_subnet_of_another_architecture():
    with pytest.raises(UserError, match="not MobileNetV3-Large"):
        cost(MobileNetV3Arch(), Subnet(64, (64,), (1,)))
    with pytest.raises(UserError, match="not routed"):
        cost(ResNetArch(), Subnet(64, (64,), (1,), (0,)))


def test_latency_calls_and_waits():
    events = []
    latency = measure_latency(
        lambda: events.append("call"), 3, 2, lambda: events.append("wait")
    )
    assert events == ["call"] * 2 + ["wait", "call", "wait"] * 3
    assert 0 <= latency.low <= latency.median <= latency.high
    with pytest.raises(UserError, match="`repeats` must be"):
        measure_latency(lambda: None, 0)

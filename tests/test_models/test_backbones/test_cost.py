import pytest
import torch

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import SubnetMobileNetV3, SubnetResNet

from ...test_subnets._reference import count
from ._nets import NETS, randomize

SHAPE = (72, 57)
ODD = {
    "plain options": {},
    "strides": {"strides": (1, 2, 1, 1), "dilations": (1, 1, 2, 4)},
    "stem": {"strides": (2, 2, 2, 2)},
    "grey": {"in_channels": 1},
}
OF_RESNETS = [n for n in NETS if "mobilenet" not in n]
OF_MOBILENETS = [n for n in NETS if "mobilenet" in n]


def some(net):
    space = net.space
    return {space.max, space.min, space.sample(0), net.resolve("MAX")}


@pytest.mark.parametrize("name", OF_RESNETS)
@pytest.mark.parametrize("options", ODD.values(), ids=ODD)
def test_of_elastic_resnets_is_what_the_exported_network_runs(name, options):
    with torch.device("meta"):
        net = NETS[name](**options)
    for subnet in some(net):
        channels = options.get("in_channels", 3)
        expected = count(net.build_plain, subnet, shape=SHAPE, in_channels=channels)
        found = net.cost(subnet, SHAPE)
        assert (found.macs, found.params) == expected
        assert net.build_plain(subnet).cost(SHAPE) == found


@pytest.mark.parametrize("name", OF_MOBILENETS)
@pytest.mark.parametrize("options", [{}, {"output_stride": 8, "in_channels": 1}])
def test_of_elastic_mobilenets_is_what_the_exported_network_runs(name, options):
    with torch.device("meta"):
        net = NETS[name](**options)
    for subnet in some(net):
        channels = options.get("in_channels", 3)
        expected = count(net.build_plain, subnet, shape=SHAPE, in_channels=channels)
        found = net.cost(subnet, SHAPE)
        assert (found.macs, found.params) == expected
        assert net.build_plain(subnet).cost(SHAPE) == found


def test_without_a_subnet_is_the_default_ones():
    with torch.device("meta"):
        net = NETS["slimmable-18"](subnet="0.5")
    assert net.cost(shape=64) == net.cost("0.5", 64) != net.cost("MAX", 64)


def test_of_a_c4_detectors_backbone_leaves_the_last_stage_out():
    def make():
        return SubnetResNet("s16-w16.24.32.40-d1.2.1.1", num_stages=3, out_indices=(2,))

    expected = count(make, shape=SHAPE)
    found = make().cost(SHAPE)
    assert (found.macs, found.params) == expected


def test_of_a_mobilenet_of_another_width():
    name = NETS["mobilenet"]().resolve("0.5").name

    def make():
        return SubnetMobileNetV3(name, output_stride=16)

    expected = count(make, shape=SHAPE)
    found = make().cost(SHAPE)
    assert (found.macs, found.params) == expected


def test_exports_count_with_the_backbones_own_strides_and_channels(tmp_path):
    options = {"strides": (2, 2, 1, 2), "in_channels": 1, "out_indices": (3,)}
    net = randomize(NETS["dynamic-gn"](**options)).eval()
    meta = write_bundle(net, net.space.min, tmp_path, {}, image_size=64)
    expected = count(net.build_plain, net.space.min, shape=(64, 64), in_channels=1)
    assert (meta["macs"], meta["params"]) == expected

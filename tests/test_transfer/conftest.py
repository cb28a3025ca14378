"""Exports of both kinds of network, with random weights."""

import pytest

from mmtaskssl.export.bundle import write_bundle
from mmtaskssl.models.backbones import SlimmableMobileNetV3, SlimmableResNet
from tests.test_models.test_backbones._nets import randomize


@pytest.fixture(scope="session")
def resnet_export(tmp_path_factory):
    """A basic ResNet-18 of a quarter of the width: 16, 32, 64 and 128 channels."""
    folder = tmp_path_factory.mktemp("resnet")
    net = randomize(SlimmableResNet(depth=18, widths=[1, 0.25])).eval()
    write_bundle(net, net.space.min, folder, {}, image_size=32)
    return folder / net.space.min.name


@pytest.fixture(scope="session")
def mobile_export(tmp_path_factory):
    """A MobileNetV3-Large of 0.35 of the width."""
    folder = tmp_path_factory.mktemp("mobile")
    net = randomize(SlimmableMobileNetV3(widths=[1, 0.35])).eval()
    write_bundle(net, net.space.min, folder, {}, image_size=32)
    return folder / net.space.min.name

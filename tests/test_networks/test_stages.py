"""Stages run one after the other are the network."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from mmtaskssl.networks import block_of, cut_blocks, cut_stages, stage_of
from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError

from ..test_models.test_backbones._nets import NETS, randomize


def run(parts, x):
    with torch.no_grad():
        for part in parts:
            x = part(x)
    return x


@pytest.mark.parametrize("kind", ["dynamic-basic", "slimmable-18-cifar", "mobilenet"])
def test_of_plain_networks(kind):
    net = randomize(NETS[kind]()).eval()
    plain = net.extract(net.space.max)
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = plain(x)[-1]
    parts = cut_stages(plain)
    assert len(parts) == plain.num_stages + 1
    torch.testing.assert_close(run(parts, x), expected)


def test_of_blocks():
    net = randomize(NETS["dynamic-basic"]()).eval()
    plain = net.extract(net.space.max)
    x = torch.randn(1, 3, 64, 64)
    parts = cut_blocks(plain)
    assert len(parts) == 1 + sum(net.space.max.depths)
    with torch.no_grad():
        torch.testing.assert_close(run(parts, x), plain(x)[-1])


@pytest.mark.parametrize("deep_stem", [False, True])
def test_of_the_hosts_networks(deep_stem):
    config = {"type": "mmselfsup.ResNet", "depth": 18, "base_channels": 8}
    network = MODELS.build({**config, "deep_stem": deep_stem, "stem_channels": 8})
    network.eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(run(cut_stages(network), x), network(x)[-1])


def test_of_torchvisions_networks():
    network = resnet18().eval()
    x = torch.randn(1, 3, 64, 64)
    pooled = run(cut_stages(network), x).mean((2, 3))
    network.fc = nn.Identity()
    with torch.no_grad():
        torch.testing.assert_close(pooled, network(x))


def test_what_has_no_stages():
    with pytest.raises(UserError, match="cannot be cut into stages"):
        cut_stages(nn.Conv2d(3, 4, 1))


def test_names():
    assert [stage_of(n) for n in ("conv1", "layer1.0.bn2", "layer12.3")] == [0, 1, 12]
    assert [block_of(n) for n in ("bn1", "layer2.1.conv1")] == ["", "layer2.1"]

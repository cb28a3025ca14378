"""The script that compares exported sub-nets with the elastic network."""

import pytest
import torch

from harness import parity
from harness.host_parity import host_models
from harness.latency import Timing, latency, ratio
from mmtaskssl.models.backbones import DynamicResNet
from tests.test_models.test_backbones._nets import TINY_BOTTLENECK
from tests.test_tools._tools import failure_of, load_tool


@pytest.fixture
def tiny():
    return parity.make(lambda: DynamicResNet(TINY_BOTTLENECK), 0)


def test_parity_is_measured_not_assumed(tiny):
    subnets = parity.choose(tiny, 4, 0)
    assert len(set(subnets)) == 4 and subnets[0] == tiny.space.max
    worst, largest = parity.parity(tiny, subnets)
    assert worst < 1e-5 and 1 < largest < 1000
    pair = [torch.ones(2), torch.zeros(2)]
    assert parity.difference(pair, [torch.ones(2), torch.ones(2)]) == (1, 1)


def test_table_has_every_kind(monkeypatch):
    kinds = {"tiny": lambda: DynamicResNet(TINY_BOTTLENECK)}
    monkeypatch.setattr(parity, "KINDS", kinds)
    row = list(parity.parity_table(["tiny"], 3, 0))[-1].split(" | ")
    assert row[:2] == ["| tiny", "3"] and float(row[2]) < 1e-5


def test_hosts_build_the_shape():
    pytest.importorskip("mmdet")
    pytest.importorskip("mmseg")
    with torch.device("meta"):  # 85 M weights, twice, that nobody reads
        net = DynamicResNet("data_bottleneck")
        labels = [label for label, _ in host_models(net, net.resolve("R50"))]
    assert labels == [
        "mmdet.ResNet (by mmdet)",
        "mmseg.ResNet (by mmseg)",
        "torchvision ResNet [3, 4, 6, 3]",
    ]
    labels = [label for label, _ in host_models(net, net.resolve("MIN"))]
    assert labels == [
        "mmtaskssl.SubnetResNet (by mmdet)",
        "mmtaskssl.SubnetResNet (by mmseg)",
    ]


def test_latency_times_three_networks_of_equal_weights():
    timing = Timing(size=32, rounds=2)
    columns = latency("MobileNetV3-Large, half as wide", timing)
    assert len(columns) == 3 and all(len(c) == 2 and min(c) > 0 for c in columns)
    assert ratio([2.0, 4.0], [1.0, 2.0]) == "2.000 [2.000, 2.000]"


def test_bad_input_is_answered_in_a_sentence():
    tool = load_tool("benchmarks/export_parity")
    assert "1 or more" in failure_of(tool, ["--subnets", "0"])
    assert "at least 2" in failure_of(tool, ["--rounds", "1"])
    assert "cannot be used" in failure_of(tool, ["--device", "cuda:99"])

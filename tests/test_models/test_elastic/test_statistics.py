import copy

import torch
from torch import nn

from mmtaskssl.models.elastic import SubnetStatistics


def _net():
    net = nn.Sequential(nn.Linear(2, 2))
    net.stats = SubnetStatistics()
    return net


def test_saved_and_loaded_with_the_network():
    net, other = _net(), _net()
    net.stats.set("s8-w4.8-d1.1", torch.ones(2, 3))
    other.stats.set("s1-w1-d1", torch.zeros(2, 1))
    state = net.state_dict()
    assert torch.equal(state["stats.s8-w4.8-d1.1"], torch.ones(2, 3))
    other.load_state_dict(state, strict=True)
    assert other.stats.names() == ["s8-w4.8-d1.1"]
    assert list(net.buffers()) == []


def test_a_state_without_statistics_loads_strictly_and_forgets_the_old():
    net = _net()
    net.stats.set("s1-w1-d1", torch.zeros(2, 1))
    net.load_state_dict(_net().state_dict(), strict=True)
    assert len(net.stats) == 0


def test_copies_are_separate_and_follow_the_dtype():
    net = _net()
    net.stats.set("s1-w1-d1", torch.zeros(2, 1))
    twin = copy.deepcopy(net).double()
    twin.stats.get("s1-w1-d1").add_(1)
    assert net.stats.get("s1-w1-d1").sum() == 0
    assert twin.stats.get("s1-w1-d1").dtype == torch.float64
    net.stats.clear()
    assert "s1-w1-d1" in twin.stats and "s1-w1-d1" not in net.stats

import copy
import itertools
import math

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from mmtaskssl.models.algorithms.momentum import MomentumEncoder

_COUNTER = itertools.count()


@pytest.fixture
def hub():
    """A message hub of its own: other tests leave theirs behind."""
    return MessageHub.get_instance(f"momentum{next(_COUNTER)}")


def _online():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def _step(online, value=1.0):
    with torch.no_grad():
        for parameter in online.parameters():
            parameter.add_(value)


def _weights(module):
    return torch.cat([p.flatten() for p in module.parameters()])


def test_first_update_copies_what_was_initialised_after_construction(hub):
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    _step(online)
    online[1].running_mean.fill_(7)
    encoder.update(online)
    torch.testing.assert_close(_weights(encoder.module), _weights(online))
    assert encoder.module[0][1].running_mean.eq(7).all()


def test_later_updates_average(hub):
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    encoder.update(online)
    before = _weights(online).clone()
    _step(online)
    encoder.update(online)
    expected = 0.9 * before + 0.1 * (before + 1)
    torch.testing.assert_close(_weights(encoder.module), expected)


def test_batch_norm_statistics_are_its_own(hub):
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    encoder.update(online)
    online(torch.randn(8, 3))
    _step(online)
    encoder.update(online)
    assert encoder.module[0][1].running_mean.eq(0).all()
    assert not online[1].running_mean.eq(0).all()


def test_accumulation_moves_once_a_window(hub):
    """Two half batches with one step move the average like one whole batch."""
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    plain = copy.deepcopy((online, encoder))
    for net, average, halves in ((online, encoder, 2), (*plain, 1)):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _window in range(3):
            for _half in range(halves):
                average.update(net)
                (net[0](torch.ones(2, 3)).square().mean() / halves).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert encoder.steps == plain[1].steps == 3
    torch.testing.assert_close(_weights(encoder.module), _weights(plain[1].module))


@pytest.mark.parametrize("write_through_data", [False, True])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_a_step_is_seen_whatever_the_optimizer_does(
    hub, write_through_data, set_to_none
):
    if write_through_data and not set_to_none:
        pytest.skip("leaves no trace; mmengine's wrapper sets gradients to None")
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    encoder.update(online)
    online[0](torch.ones(2, 3)).sum().backward()
    for parameter in online[0].parameters():
        target = parameter.data if write_through_data else parameter.detach()
        target.add_(1)
        parameter.grad = None if set_to_none else torch.zeros_like(parameter)
    encoder.update(online)
    assert encoder.steps == 2


@pytest.mark.parametrize("done", [0, 1, 25, 50, 99])
def test_momentum_rises_along_a_cosine(hub, done):
    hub.update_info("iter", done)
    hub.update_info("max_iters", 100)
    encoder = MomentumEncoder(_online(), momentum=0.99, end_momentum=1.0)
    # BYOL, section 3.3: 1 - (1 - base) (cos(pi k / K) + 1) / 2
    expected = 1 - 0.01 * (math.cos(math.pi * done / 100) + 1) / 2
    assert encoder.current_momentum() == pytest.approx(expected, abs=1e-12)


def test_without_a_runner_the_momentum_is_constant(hub):
    encoder = MomentumEncoder(_online(), momentum=0.99, end_momentum=1.0)
    assert encoder.current_momentum() == 0.99


class _Fused(torch.optim.SGD):
    """Moves weights as fused kernels do: without a trace in their version."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.data.add_(parameter.grad, alpha=-group["lr"])


def _train(online, encoder, optimizer, windows, halves=1):
    for _window in range(windows):
        for _half in range(halves):
            encoder.update(online)
            (online[0](torch.ones(2, 3)).square().mean() / halves).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)


@pytest.mark.parametrize("halves", [1, 2])
def test_a_fused_optimizers_steps_are_seen(hub, halves):
    """Gradients zeroed in place: neither they nor the versions show the step."""
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    optimizer = _Fused(online[0].parameters(), lr=0.1)
    _train(online, encoder, optimizer, 4, halves)
    assert encoder.steps == 4


def test_another_networks_optimizer_does_not_count(hub):
    online, other = _online(), _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    encoder.update(online)
    for network in (online, other):
        network[0](torch.ones(2, 3)).sum().backward()
    torch.optim.SGD(other.parameters(), lr=0.1).step()
    encoder.update(online)
    assert encoder.steps == 1


def test_a_loaded_average_goes_on(hub):
    online = _online()
    encoder = MomentumEncoder(online, momentum=0.9)
    encoder.update(online)
    state = copy.deepcopy(encoder.state_dict())
    fresh = MomentumEncoder(online, momentum=0.9)
    fresh.load_state_dict(state)
    before = _weights(fresh.module).clone()
    _step(online)
    fresh.update(online)
    expected = 0.9 * before + 0.1 * (before + 1)
    torch.testing.assert_close(_weights(fresh.module), expected)

"""A sub-net of the elastic network and its plain network are one and the same."""

import pytest
import torch

from mmtaskssl.models.elastic import calibrate, take
from mmtaskssl.subnets import cost

from ._nets import NETS, batches, randomize


@pytest.mark.parametrize("kind", NETS)
def test_plain_networks_equal_the_elastic_one(kind):
    net = randomize(NETS[kind]())
    x = torch.randn(2, 3, 48, 48)
    subnets = {net.space.max, net.space.min, *map(net.space.sample, range(4))}
    for subnet in subnets:
        net.train()
        if net.needs_calibration(subnet):
            calibrate(net, subnet, batches())
        net.eval()
        plain = net.extract(subnet)
        assert not plain.training
        expected = cost(net.arch, subnet).params
        assert sum(p.numel() for p in plain.parameters()) == expected
        with torch.no_grad():
            ours, theirs = net(x, subnet), plain(x)
        assert [o.shape[1] for o in ours] == list(net.out_channels(subnet))
        for a, b in zip(ours, theirs, strict=True):
            assert torch.isfinite(a).all() and a.abs().max() > 0.1
            assert (a - b).abs().max() < 1e-5


@pytest.mark.parametrize(
    "kind", ["dynamic-basic", "slimmable-18", "routed-compact", "mobilenet"]
)
def test_training_steps_are_the_plain_networks(kind):
    net = randomize(NETS[kind]())
    subnet = net.space.sample(3)
    plain = net.extract(subnet, uncalibrated_ok=True).train()
    x = torch.randn(4, 3, 48, 48)
    for model, args in ((net, (subnet,)), (plain, ())):
        sum(out.square().mean() for out in model(x, *args)).backward()
    theirs = dict(plain.named_parameters())
    ours = {
        name: p.grad
        for name, p in net.named_parameters()
        if p.dim() == 4 and p.grad is not None
    }
    for unit in net.view(subnet).units.values():
        name = f"{unit.conv}.weight"
        rows, columns = _active(net, unit)
        grad = ours.pop(name)[rows[:, None], columns]
        torch.testing.assert_close(grad, theirs[name].grad, rtol=1e-4, atol=1e-6)
    assert not ours, "a convolution outside of the sub-net got a gradient"


def _active(net, unit):
    """Indices of the active rows and columns of a unit's weight."""
    conv = net.get_submodule(unit.conv)
    rows = take(torch.arange(conv.out_channels), 0, unit.out)
    inputs = 1 if conv.groups > 1 else unit.in_
    return rows, take(torch.arange(conv.weight.shape[1]), 0, inputs)


@pytest.mark.parametrize("kind", ["dynamic-basic", "routed-compact", "mobilenet"])
def test_gradients_outside_of_the_slice_are_zero_or_none(kind):
    net = randomize(NETS[kind]())
    subnet = net.space.sample(5)
    net(torch.randn(2, 3, 48, 48), subnet)[-1].sum().backward()
    units = {f"{u.conv}.weight": u for u in net.view(subnet).units.values()}
    seen = 0
    for name, parameter in net.named_parameters():
        if parameter.dim() != 4 or name not in units:
            if parameter.dim() == 4:
                assert parameter.grad is None
            continue
        mask = torch.zeros_like(parameter, dtype=torch.bool)
        rows, columns = _active(net, units[name])
        mask[rows[:, None], columns] = True
        assert (parameter.grad[~mask] == 0).all()
        assert (parameter.grad[mask] != 0).any()
        seen += 1
    assert seen == len(units)

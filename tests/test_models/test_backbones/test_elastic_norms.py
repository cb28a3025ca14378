"""Whose statistics the batch norms of elastic networks keep, and when."""

import pytest
import torch

from mmtaskssl.models.backbones import (
    RoutedResNet,
    SlimmableResNet,
    elastic_backbone,
)
from mmtaskssl.models.elastic import calibrate, channel_indices
from mmtaskssl.subnets import Subnet
from mmtaskssl.utils.errors import UserError

from ._compare import buffers, equal, same, tiny
from ._nets import batches, randomize


def test_only_the_largest_moves_shared_running_statistics():
    net = tiny()
    before = buffers(net)
    x = batches()[0]
    shallow = Subnet(32, (16, 24, 32, 48), (1, 1, 1, 1))
    for subnet in (net.space.min, shallow):
        net(x, subnet)
        assert equal(before, buffers(net))
    net(x)
    assert not equal(before, buffers(net))


def test_switchable_norms_are_the_widths_own():
    net = randomize(SlimmableResNet(18, widths=(1, 0.5)))
    before = buffers(net)
    net(batches()[0], "0.5")
    moved = {n for n, b in buffers(net).items() if not torch.equal(b, before[n])}
    assert moved and all(name.split(".")[-2] == "1" for name in moved)
    with pytest.raises(UserError, match=r"no batch norms of its own"):
        net(batches()[0], "s48-w48.96.192.384-d2.2.2.2")


def test_switchable_norms_of_paths():
    options = {"depth": 18, "groups": 2, "base_width": 16}
    net = randomize(RoutedResNet(norm_cfg={"type": "SwitchableBN"}, **options))
    before, path, x = buffers(net), net.space[5], batches()[0]
    net(x, path)
    moved = {n for n, b in buffers(net).items() if not torch.equal(b, before[n])}
    assert moved and all(name.split(".")[-2] == "6" for name in moved)
    net.eval()
    # MAX, 16 paths, and 2 + 4 + 8 partial ones of a progressive training.
    assert not net.needs_calibration(path) and len(net.bn1) == 31
    for subnet in (path, net.space.max):
        with torch.no_grad():
            pairs = zip(net(x, subnet), net.extract(subnet)(x), strict=True)
            assert all((a - b).abs().max() < 1e-5 for a, b in pairs)
    net.train()(x, f"{net.space.max}-px.x.x.1")
    with pytest.raises(UserError, match=r"no batch norms of its own.* and 23 more"):
        net(x, f"{net.space.max}-p1.x.x.x")


def test_a_path_inherits_the_norms_that_it_was_split_from():
    net = randomize(
        RoutedResNet(18, groups=2, base_width=16, norm_cfg={"type": "SwitchableBN"})
    )
    parent = net.resolve(f"{net.space.max}-px.x.1.0")
    child = net.resolve(f"{net.space.max}-px.0.1.0")
    theirs, mine = (
        {u.norm: u for u in net.view(subnet).units.values()}
        for subnet in (parent, child)
    )
    net.inherit_norms(child, parent)
    sliced = 0
    for name, unit in mine.items():
        ours = net.get_submodule(name)[unit.view.switch]
        source = net.get_submodule(name)[theirs[name].view.switch]
        # The same channels of the whole layer, found by hand.
        whole = torch.full((4096,), float("nan"))
        whole[channel_indices(theirs[name].out)] = source.weight.detach()
        expected = whole[channel_indices(unit.out)]
        assert torch.equal(ours.weight, expected) and expected.isfinite().all()
        assert len(ours.running_var) == len(expected)
        sliced += len(ours.weight) < len(source.weight)
    assert sliced


def test_evaluation_needs_calibration_and_training_ends_it():
    net = tiny().eval()
    x, small = batches()[0], net.space.min
    with pytest.raises(UserError, match=f"calibrate .* --subnet {small.name}"):
        net(x, small)
    with pytest.raises(UserError, match="has no batch-norm statistics"):
        net.state_dict_of(small)
    net(x)  # the largest has its own
    calibrate(net, small, batches())
    expected = net(x, small)
    twin = tiny().eval()
    twin.load_state_dict(net.state_dict(), strict=True)
    assert same(twin(x, small), expected)
    twin.train()(x, small)
    assert not twin.is_calibrated(small)
    assert net.is_calibrated(small)


def test_views_of_many_sub_nets_are_not_kept(monkeypatch):
    monkeypatch.setattr(elastic_backbone, "_CACHED_VIEWS", 3)
    net = tiny()
    expected = net(batches()[0], net.space[0])
    for index in range(8):
        net.view(net.space[index])
    assert len(net._views) == 3
    assert same(net(batches()[0], net.space[0]), expected)


def test_statistics_follow_the_weights_type():
    net = tiny().eval()
    small, x = net.space.min, batches()[0]
    calibrate(net, small, batches())
    expected = net(x, small)[-1]
    state = net.state_dict()
    wide = tiny().double().eval()
    wide.load_state_dict(state)  # float32 statistics into a float64 network
    close = {"rtol": 1e-3, "atol": 1e-4}
    out = wide(x.double(), small)[-1].float()
    torch.testing.assert_close(out, expected, **close)
    torch.testing.assert_close(wide.float()(x, small)[-1], expected, **close)


def test_frozen_norms_of_an_uncalibrated_sub_net_are_refused():
    net = tiny(frozen_stages=1)
    with pytest.raises(UserError, match="has no batch-norm statistics"):
        net(batches()[0], net.space.min)
    calibrated = tiny(norm_eval=True)
    calibrate(calibrated, calibrated.space.min, batches())
    calibrated.train()(batches()[0], calibrated.space.min)
    assert calibrated.is_calibrated(calibrated.space.min)

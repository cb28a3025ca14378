"""Routed SimSiam and BYOL against slow references."""

import copy

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.models.algorithms.routed_base import kept_statistics, split_parts
from mmtaskssl.models.elastic import take
from mmtaskssl.utils.errors import UserError

from ._routed import build, make_batch, train_step

KINDS = ("RoutedSimSiam", "RoutedBYOL")


def cosine_loss(prediction, target, byol):
    """-cos, or BYOL's 2 - 2 cos, in float64 and by hand."""
    p, t = prediction.double(), target.double()
    cos = (p * t).sum(1) / (p.norm(dim=1) * t.norm(dim=1))
    return (2 - 2 * cos).mean() if byol else -cos.mean()


def plain(model, subnet):
    """The sub-net's own plain encoder, a copy, in training mode."""
    backbone = model.backbone.extract(subnet, uncalibrated_ok=True).train()
    neck = copy.deepcopy(model.neck).train()
    return lambda x: neck(backbone(x))[0]


def reference(model, batch, subnets, weight, n=6):
    """Loss of MAX, SSL and KD of the path; with plain copies of the networks."""
    byol = hasattr(model, "target_net")
    predictor = copy.deepcopy(model.head.predictor).train()
    largest, path = subnets
    everything = [view[:n] for view in batch["inputs"]]
    cluster = [view[n:] for view in batch["inputs"]]
    half = 1 if byol else 0.5

    def symmetric(z, targets):
        p = [predictor([one])[0] for one in z]
        both = cosine_loss(p[0], targets[1], byol) + cosine_loss(p[1], targets[0], byol)
        return half * both

    whole, small = plain(model, largest), plain(model, path)
    z = [whole(view) for view in everything]
    values = {"max/loss": symmetric(z, z)}
    z, teacher = ([f(view) for view in cluster] for f in (small, whole))
    values["path0/ssl"] = symmetric(z, z)
    values["path0/kd"] = symmetric(z, teacher)
    loss = (1 - weight) * values["path0/ssl"] + weight * values["path0/kd"]
    values["path0/loss"] = loss
    values["loss"] = values["max/loss"] + loss
    return values


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", [0.5, 0.3])
def test_losses_of_a_step(kind, weight):
    # Fresh, BYOL's target is a copy of the online network: one reference for both.
    model = build(kind, kd_weight=weight)
    before = copy.deepcopy(model)
    logs, batch, _ = train_step(model)
    subnets = before.subnets_of_step()
    with torch.no_grad():
        expected = reference(before, batch, subnets, weight)
    assert logs.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            logs[name].double(), value, rtol=1e-4, atol=1e-5, msg=name
        )


def test_gradient_of_a_step():
    model = build()
    logs, batch, gradients = train_step(model)
    largest, path = model.subnets_of_step()
    model.zero_grad()

    def terms(subnet, images, teacher):
        z = [model.project(view, subnet) for view in images]
        view = model.backbone.norm_view(subnet)
        p = [model.head.predictor([one], view)[0] for one in z]
        t = [one.detach() for one in (teacher or z)]
        return -0.5 * (
            F.cosine_similarity(p[0], t[1]).mean()
            + F.cosine_similarity(p[1], t[0]).mean()
        )

    everything = [view[:6] for view in batch["inputs"]]
    cluster = [view[6:] for view in batch["inputs"]]
    teacher = [model.project(view, largest) for view in cluster]
    loss = terms(largest, everything, None)
    loss = loss + 0.5 * terms(path, cluster, None) + 0.5 * terms(path, cluster, teacher)
    loss.backward()
    torch.testing.assert_close(logs["loss"], loss.detach())
    expected = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-3, atol=1e-6)


def test_without_distillation_max_does_not_see_the_cluster(monkeypatch):
    model = build(kd_weight=0)
    ran = []
    inner = model.project
    monkeypatch.setattr(
        model, "project", lambda x, s: (ran.append((s, len(x))), inner(x, s))[1]
    )
    logs, *_ = train_step(model)
    largest, path = model.subnets_of_step()
    assert ran == [(largest, 6), (largest, 6), (path, 4), (path, 4)]
    torch.testing.assert_close(logs["path0/loss"], logs["path0/ssl"])
    assert "path0/kd" not in logs


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_outside_of_a_path_is_zero(kind):
    model = build(kind)
    path = model.subnets_of_step()[1]
    batch = make_batch(path.path)
    with torch.no_grad():
        shared = model.prepare(**batch)
    model.subnet_loss(batch["inputs"], shared, path)["loss"].backward()
    touched = 0
    for unit in model.backbone.view(path).units.values():
        conv = model.backbone.get_submodule(unit.conv)
        norm = model.backbone.get_submodule(unit.norm)
        inside = torch.zeros_like(conv.weight)
        rows = take(torch.arange(conv.weight.shape[0]), 0, unit.out)
        columns = take(torch.arange(conv.weight.shape[1]), 0, unit.in_)
        inside[rows[:, None], columns] = 1
        outside = conv.weight.grad[inside == 0]
        assert torch.count_nonzero(outside) == 0, unit.conv
        assert conv.weight.grad[inside == 1].abs().sum() > 0, unit.conv
        idle = torch.ones(len(norm.weight), dtype=torch.bool)
        idle[rows] = False
        assert torch.count_nonzero(norm.weight.grad[idle]) == 0, unit.norm
        assert torch.count_nonzero(norm.bias.grad[idle]) == 0, unit.norm
        touched += len(outside) > 0
    assert touched == 4  # both convolutions of the block of both split stages


@pytest.mark.parametrize("kind", KINDS)
def test_running_statistics_are_those_of_max_over_all_images(kind):
    model = build(kind)
    alone = copy.deepcopy(model)
    alone.subnet_sampler = build(kind).subnet_sampler
    alone.subnet_sampler.shares = (1, 0, 0)
    _, batch, _ = train_step(model)
    everything = {
        "inputs": [view[:6] for view in batch["inputs"]],
        "data_samples": batch["data_samples"][:6],
    }
    with torch.no_grad():
        shared = alone.prepare(**everything)
        alone.subnet_loss(everything["inputs"], shared, alone.backbone.space.max)
    for name, buffer in alone.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            assert torch.equal(model.get_buffer(name), buffer), name


def test_kept_statistics_come_back():
    model = build()
    momenta = [m.momentum for m in model.modules() if hasattr(m, "momentum")]
    with pytest.raises(RuntimeError, match="stop"), kept_statistics(model):
        raise RuntimeError("stop")
    assert [m.momentum for m in model.modules() if hasattr(m, "momentum")] == momenta


def test_bad_batches():
    model = build()
    largest, path = model.subnets_of_step()
    other = next(p for p in model.subnet_sampler.live_paths(2) if p != path)
    with pytest.raises(UserError, match="ClusterBatches"):
        split_parts([largest, path], 4, None)
    samples = make_batch(path.path)["data_samples"]
    assert split_parts([largest, path], 10, samples) == [slice(0, 6), slice(6, 10)]
    with pytest.raises(UserError, match="do not follow"):
        split_parts([largest, other], 10, samples)
    with pytest.raises(UserError, match="runs MAX and 0 path"):
        split_parts([largest], 10, samples)
    with pytest.raises(UserError, match="kd_weight"):
        build(kd_weight=1.5)

"""Distillation, own teachers and loss weights of supernets."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.subnets import cost
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._elastic import batch, fresh_hub
from tests.test_models.test_algorithms._slimmable import build as build_slimmable
from tests.test_models.test_algorithms._supernets import build, max_alone, sgd, train


@pytest.mark.parametrize("kind", ["BYOL", "SimSiam"])
def test_distillation_without_a_queue_equals_a_slow_reference(kind):
    fresh_hub()
    model = build(kind, distill_weight=0.5, distill_temperature=0.3)
    views, space = batch(0), model.backbone.space
    other = copy.deepcopy(model)
    with torch.no_grad():
        targets = [F.normalize(other.project(v, space.max), dim=1) for v in views]
        expected = []
        for view, target in zip(views, reversed(targets), strict=True):
            rows = []
            for subnet in (space.max, space.min):
                z = other.project(view, subnet)
                p = F.normalize(other.head.predictor([z])[0], dim=1)
                rows.append([[a @ b / 0.3 for b in target] for a in p])
            teacher, student = (torch.tensor(r).softmax(1) for r in rows)
            expected.append(-(teacher * student.log()).sum(1).mean())
    logs = model.train_step({"inputs": views}, sgd(model))
    torch.testing.assert_close(logs["min/loss_distill"], 0.25 * sum(expected))
    assert "max/loss_distill" not in logs and "rand0/loss_distill" in logs
    parts = logs["min/loss_regress"] + logs["min/loss_distill"]
    torch.testing.assert_close(logs["min/loss"], parts)


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_distillation_leaves_max_alone(kind):
    """A step of MAX has the gradient that it has without distillation."""
    space = build(kind).backbone.space
    gradients = []
    for weight in (0.0, 3.0):
        model = build(kind, distill_weight=weight)
        views = batch(0)
        shared = model.prepare(views)
        losses = model.subnet_loss(views, shared, space.max)
        sum(losses.values()).backward()
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@pytest.mark.parametrize("kind", ["BYOL", "SimSiam"])
def test_distillation_needs_max_first(kind):
    sampler = {"type": "RandomSubnets", "num": 1, "seed": 1}
    with pytest.raises(UserError, match="runs MAX in every step"):
        train(build(kind, sampler, distill_weight=1.0), 1)
    with pytest.raises(UserError, match="distill_temperature must be positive"):
        build(kind, distill_weight=1.0, distill_temperature=0)
    with pytest.raises(UserError, match="set one of the two"):
        build(kind, distill_weight=1.0, same_arch=True)


def test_distillation_does_not_go_with_the_authors_loop():
    with pytest.raises(UserError, match="another queue"):
        build("MoCo", distill_weight=1.0, per_subnet_keys=True)


@pytest.mark.parametrize(("kind", "factor"), [("BYOL", 2), ("SimSiam", 0.5)])
def test_own_teachers_of_regression(kind, factor):
    fresh_hub()
    model = build(kind, same_arch=True)
    views, other = batch(0), copy.deepcopy(model)
    expected = []
    with torch.no_grad():
        for subnet in model.subnets_of_step():
            z = [other.project(view, subnet) for view in views]
            p = [F.normalize(other.head.predictor([one])[0], dim=1) for one in z]
            t = [F.normalize(one, dim=1) for one in z]
            cosines = (p[0] * t[1]).sum(1).mean() + (p[1] * t[0]).sum(1).mean()
            expected.append(-factor * cosines)
    logs = model.train_step({"inputs": views}, sgd(model))
    got = [logs[f"{name}/loss"] for name in ("max", "min", "rand0")]
    torch.testing.assert_close(torch.stack(got), torch.stack(expected))


@pytest.mark.parametrize("authors", [False, True])
def test_own_teachers_of_moco(authors):
    fresh_hub()
    model = build("MoCo", norm=None, same_arch=True, per_subnet_keys=authors)
    views, other = batch(0), copy.deepcopy(model)
    subnets, queue = model.subnets_of_step(), model.queue.clone()
    expected, keys = [], []
    with torch.no_grad():
        for place, subnet in enumerate(subnets):
            q, k = (F.normalize(other.project(v, subnet), dim=1) for v in views)
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue], 1) / 0.2
            expected.append((logits.logsumexp(1) - logits[:, 0]).mean())
            keys.append(k)
            if authors:
                queue[:, (torch.arange(8) + 8 * place) % 20] = k.T
    logs = model.train_step({"inputs": views}, sgd(model))
    got = [logs[f"{name}/loss"] for name in ("max", "min", "rand0")]
    torch.testing.assert_close(torch.stack(got), torch.stack(expected))
    if not authors:
        mixed = torch.stack([keys[n % 3][n] for n in range(8)])
        torch.testing.assert_close(model.queue[:, :8], mixed.T)
        assert int(model.queue_ptr) == 8 and int(model.encoder_k.steps) == 1


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_loss_weights_scale_each_subnets_gradient(kind):
    weights = {"MAX": 2.0, "MIN": 0.0, "others": 0.5}
    logs = []
    for options in ({}, {"subnet_loss_weights": weights}):
        fresh_hub()
        model = build(kind, **options)
        logs.append(model.train_step({"inputs": batch(0)}, sgd(model)))
    plain, weighted = logs
    for name in ("max", "min", "rand0"):  # what is logged of each is unweighted
        torch.testing.assert_close(weighted[f"{name}/loss"], plain[f"{name}/loss"])
    total = 2 * plain["max/loss"] + 0.5 * plain["rand0/loss"]
    torch.testing.assert_close(weighted["loss"], total)
    fresh_hub()
    only = build(kind, subnet_loss_weights={"MAX": 1.0, "others": 0.0})
    before = copy.deepcopy(only.backbone.state_dict())
    only.train_step({"inputs": batch(0)}, sgd(only))
    fresh_hub()
    alone = build(kind, max_alone())
    alone.train_step({"inputs": batch(0)}, sgd(alone))
    pairs = zip(only.backbone.parameters(), alone.backbone.parameters(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in pairs)
    after = only.backbone.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_loss_weights_multiply_an_algorithms_own():
    model = build_slimmable(loss_weights="mean", subnet_loss_weights={"MIN": 0.5})
    subnets = list(model.backbone.space)
    assert model._weights(subnets) == pytest.approx([1 / 3, 1 / 3, 1 / 6])


def test_bad_loss_weights_are_refused():
    with pytest.raises(UserError, match="must be 0 or more"):
        build("BYOL", subnet_loss_weights={"MAX": -1})
    with pytest.raises(UserError):
        build("BYOL", subnet_loss_weights={"LARGEST": 1})


def test_small_nets_steps_become_small_earlier():
    hub = fresh_hub(max_iters=10)
    weights = {"MAX": 2.0}
    model = build("BYOL", complexity_decay=1.5, subnet_loss_weights=weights)
    space = model.backbone.space
    between = next(s for s in space if s not in (space.max, space.min))
    subnets = [space.max, space.min, between]
    assert model._weights(subnets) == [2, 1, 1]
    hub.update_info("iter", 6)
    most, least, own = (
        math.log(cost(space.arch, s).macs) for s in (space.max, space.min, between)
    )
    share = (most - own) / (most - least)
    expected = [2, 0.4**1.5, 0.4 ** (1.5 * share)]
    assert 0 < share < 1
    assert model._weights(subnets) == pytest.approx(expected)
    with pytest.raises(UserError, match="complexity_decay"):
        build("BYOL", complexity_decay=-1)

"""Slimmable algorithms: targets, losses, weights, and their plain relatives."""

import copy

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._elastic import fresh_hub
from tests.test_models.test_algorithms._slimmable import (
    CHANNELS,
    NAMES,
    batch,
    build,
    build_alone,
    losses,
    model_config,
    optimizer,
)

KINDS = ["BYOL", "MoCo", "SimSiam"]
PREDICTING = ["BYOL", "SimSiam"]


@pytest.fixture(autouse=True)
def hub():
    return fresh_hub()


@pytest.mark.parametrize("norm", ["SwitchableBN", "BN"])
@pytest.mark.parametrize("kind", KINDS)
def test_with_one_width_it_is_the_plain_algorithm_bit_for_bit(kind, norm):
    slimmable = losses(build(kind, NAMES[:1], norm))
    plain = losses(build_alone(kind, NAMES[:1], norm))
    assert torch.stack(slimmable).equal(torch.stack(plain))
    assert len(set(map(float, slimmable))) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_base_is_the_plain_algorithm_in_a_step_of_many_widths(kind):
    """Its loss in the first step, before the shared weights have moved."""
    slimmable, plain = build(kind), build_alone(kind)
    state = slimmable.backbone.state_dict_of("MAX")
    plain.backbone.load_state_dict(state)
    plain.neck.load_state_dict(
        {k: v for k, v in slimmable.neck.state_dict().items() if k in _keys(plain.neck)}
    )
    plain.head.load_state_dict(slimmable.head.state_dict())
    if kind == "MoCo":
        plain.queue.copy_(slimmable.queue)
    step = {"inputs": batch(0)}
    logs = slimmable.train_step(step, optimizer(slimmable))
    expected = plain.train_step(step, optimizer(plain))["loss"]
    assert logs["max/loss"].equal(expected)


def _keys(module):
    return set(module.state_dict())


def _byol(predictions, targets):
    """Equation 2 of BYOL for both directions, row by row."""
    total = 0.0
    for prediction, target in zip(predictions, reversed(targets), strict=True):
        rows = [
            2 - 2 * (p @ t) / (p.norm() * t.norm())
            for p, t in zip(prediction, target, strict=True)
        ]
        total += sum(rows) / len(rows)
    return total


def _predictions(model, subnet, views):
    return [model._predict(model.project(view, subnet), subnet) for view in views]


def test_byol_of_every_width_is_against_the_same_momentum_target():
    model, views = build(preset="dsp_plus"), batch(0)
    twin = copy.deepcopy(model)
    logs = model.train_step({"inputs": views}, optimizer(model))
    with torch.no_grad():
        twin.target_net.update(twin.backbone, twin.neck)
        targets = [twin.target_net(view)[0] for view in views]
        base = _predictions(twin, twin.backbone.space.max, views)
        torch.testing.assert_close(logs["max/loss"], _byol(base, targets))
        assert "max/loss_same_view" not in logs
        for name, log in zip(NAMES[1:], ["rand0", "min"], strict=True):
            mine = _predictions(twin, twin.backbone.resolve(name), views)
            same_view = _byol(mine, base[::-1])
            torch.testing.assert_close(logs[f"{log}/loss_same_view"], same_view)
            total = _byol(mine, targets) + same_view
            torch.testing.assert_close(logs[f"{log}/loss"], total)


@pytest.mark.parametrize("kind", ["BYOL", "MoCo"])
def test_the_target_runs_once_a_view_and_moves_once_a_step(kind, monkeypatch):
    model = build(kind)
    teacher = model.target_net if kind == "BYOL" else model.encoder_k
    calls, wrapper = [], optimizer(model)
    forward = type(teacher).forward
    monkeypatch.setattr(
        type(teacher), "forward", lambda self, x: calls.append(1) or forward(self, x)
    )
    for step in range(3):
        model.train_step({"inputs": batch(step)}, wrapper)
    assert len(calls) == 3 * (2 if kind == "BYOL" else 1)
    assert teacher.steps == 3
    if kind == "MoCo":
        assert int(model.queue_ptr) == 3 * 8 % 20


@pytest.mark.parametrize("kind", PREDICTING)
def test_distillation_sends_no_gradient_to_base_or_target(kind):
    model, views = build(kind, preset="dsp_plus"), batch(0)
    with torch.no_grad():
        shared = model.prepare(views)
    model.subnet_loss(views, shared, model.backbone.space.max)
    losses = model.subnet_loss(views, shared, model.backbone.space.min)
    sum(losses.values()).backward()
    assert all(p.grad is None for p in model.head.predictor.parameters())
    assert all(p.grad.abs().sum() > 0 for p in model.aux_predictor.layers.parameters())
    own = {n for n, p in model.backbone.named_parameters() if p.grad is not None}
    assert "bn1.2.weight" in own and "bn1.0.weight" not in own
    weight = model.backbone.conv1.weight.grad
    assert weight[:4].abs().sum() > 0 and not weight[4:].any()
    if kind == "BYOL":
        assert all(p.grad is None for p in model.target_net.parameters())


def test_info_nce_and_imitation_of_the_base():
    model, views = build("MoCo", preset="dsp_plus"), batch(0)
    with torch.no_grad():
        shared = model.prepare(views)
        keys, queue = shared["keys"], model.queue.clone()

        def logits(subnet):
            q = F.normalize(model.project(views[0], subnet), dim=1)
            return torch.cat([(q * keys).sum(1, keepdim=True), q @ queue], 1) / 0.2

        smallest, largest = model.backbone.space.min, model.backbone.space.max
        base = model.subnet_loss(views, shared, largest)
        found = model.subnet_loss(views, shared, smallest)
        rows = logits(smallest).log_softmax(1)
        torch.testing.assert_close(found["loss"], -rows[:, 0].mean())
        imitation = -(logits(largest).softmax(1) * rows).sum(1).mean()
        torch.testing.assert_close(found["loss_same_view"], imitation)
        assert set(base) == {"loss"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_without_the_base(kind):
    sampler = {"type": "RandomSubnets", "num": 2, "space": _space(NAMES[1:])}
    model = build(kind, preset="dsp_plus", subnet_sampler=sampler)
    before = [p.detach().clone() for p in model.head.parameters()]
    logs = model.train_step({"inputs": batch(0)}, optimizer(model))
    assert logs["loss"].isfinite()
    assert not any("same_view" in key for key in logs)
    for old, new in zip(before, model.head.parameters(), strict=True):
        assert torch.equal(old, new)


def _space(names):
    return {**model_config()["backbone"]["space"], "subnets": names}


def test_simsiams_target_is_the_full_width_even_where_it_does_not_run():
    sampler = {"type": "RandomSubnets", "space": _space(NAMES[1:])}
    model, views = build("SimSiam", subnet_sampler=sampler), batch(0)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        targets = model.prepare(views)["targets"]
        expected = [twin.project(view, twin.backbone.space.max) for view in views]
    assert all(map(torch.equal, targets, expected))


@pytest.mark.parametrize(
    ("preset", "weights"),
    [
        ("uniform", [1, 1, 1]),
        ("mean", [1 / 3, 1 / 3, 1 / 3]),
        ("slimclr", [1 + 0.75 + 0.5, 1, 1]),
    ],
)
def test_loss_weights(preset, weights):
    model = build(loss_weights=preset)
    subnets = model.subnets_of_step()
    assert model.subnet_weights(subnets) == pytest.approx(weights)
    assert model.subnet_weights(subnets[:1]) == [1]
    logs = model.train_step({"inputs": batch(0)}, optimizer(model))
    parts = [logs[f"{name}/loss"] for name in ("max", "rand0", "min")]
    total = sum(w * part for w, part in zip(weights, parts, strict=True))
    torch.testing.assert_close(logs["loss"], total)


@pytest.mark.parametrize(
    "sampler",
    [
        {"type": "AllSubnets"},
        {"type": "Sandwich", "num_random": 1},
        {"type": "RandomSubnets", "num": 2},
        {"type": "Dynamic"},
        {"type": "SlowStart", "fraction": 0.5},
        {"type": "Biased", "num_random": 1},
    ],
    ids=lambda sampler: sampler["type"],
)
def test_every_sampler_trains(sampler, hub):
    model = build(subnet_sampler=sampler)
    wrapper = optimizer(model)
    for step in range(0, 10, 3):
        hub.update_info("iter", step)
        logs = model.train_step({"inputs": batch(step)}, wrapper)
        assert logs["loss"].isfinite()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "heads",
    [
        {"norm": "BN", "num_switches": 1},
        {"in_channels": CHANNELS, "slice_hidden": True},
        {"norm": "BN", "num_switches": 1, "slice_hidden": True},
        {"type": "mmtaskssl.PerWidthNeck", "in_channels": CHANNELS},
    ],
    ids=["shared", "sliced_switchable", "sliced_shared", "per_width"],
)
def test_heads(kind, heads):
    neck = {**model_config(kind)["neck"], **heads}
    if "PerWidth" in neck["type"]:
        del neck["norm"], neck["num_switches"]
    model = build(kind, neck=neck)
    for step in range(2):
        logs = model.train_step({"inputs": batch(step)}, wrapper := optimizer(model))
    assert logs["loss"].isfinite()
    for subnet, channels in zip(model.backbone.space, CHANNELS, strict=True):
        switch = model.backbone.norm_view(subnet).switch
        plain = model.neck.extract(channels, switch)
        assert plain(torch.randn(4, channels, 2, 2)).shape == (4, 10)
    assert wrapper.inner_count == 1


def test_switchable_norms_of_the_auxiliary_predictor():
    model = build(aux_predictor={"norm": "SwitchableBN"})
    model.train_step({"inputs": batch(0)}, optimizer(model))
    norms = model.aux_predictor.norms[0]
    assert len(norms) == 2  # of the sub-nets, not of the base
    assert not norms[0].running_mean.equal(norms[1].running_mean)
    assert all(norm.running_mean.any() for norm in norms)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "dsp+"}, "preset is dsp or dsp_plus"),
        ({"loss_weights": "none"}, "loss_weights is one of"),
        ({"neck": {"num_switches": 2}}, "batch norms for 2 sub-nets"),
        ({"backbone": {"subnet": "MIN"}}, "leave it out"),
        ({"aux_predictor": {"type": "mmselfsup.NonLinearNeck"}}, "must be of type"),
    ],
)
def test_bad_options(options, message):
    cfg = model_config()
    for key, value in options.items():
        nested = isinstance(value, dict) and key in cfg
        cfg[key] = {**cfg[key], **value} if nested else value
    with pytest.raises(UserError, match=message):
        build(**cfg)


def test_a_host_s_neck_knows_no_widths():
    neck = {
        "type": "mmselfsup.MoCoV2Neck",
        "in_channels": 16,
        "hid_channels": 8,
        "out_channels": 10,
    }
    with pytest.raises(UserError, match="not MoCoV2Neck"):
        build("MoCo", neck=neck)

"""BYOL, SimSiam and DenseCL, and what all supernets share."""

import copy

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.registry import MODELS
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms._elastic import batch, fresh_hub
from tests.test_models.test_algorithms._supernets import (
    KINDS,
    assert_trained_alike,
    build,
    max_alone,
    sgd,
    train,
)


@pytest.mark.parametrize("kind", ["BYOL", "SimSiam"])
def test_max_alone_is_the_plain_algorithm_bit_for_bit(kind):
    supernet, plain = build(kind, max_alone()), build(kind, None)
    assert train(supernet, 4) == train(plain, 4)
    assert_trained_alike(supernet, plain)


@pytest.mark.parametrize("kind", KINDS)
def test_resume_continues_bit_for_bit(kind):
    whole = build(kind)
    wrapper = sgd(whole)
    train(whole, 2, wrapper=wrapper)
    state = copy.deepcopy(whole.state_dict()), copy.deepcopy(wrapper.state_dict())
    expected = train(whole, 4, first=2, wrapper=wrapper)
    torch.manual_seed(7)  # a new process would not start from this one's state
    resumed = build(kind)
    wrapper = sgd(resumed)
    resumed.load_state_dict(state[0])
    wrapper.load_state_dict(state[1])
    assert train(resumed, 4, first=2, wrapper=wrapper) == expected
    for (name, a), b in zip(
        whole.state_dict().items(), resumed.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("kind", KINDS)
def test_teacher_must_be_max(kind):
    model = build(kind)
    assert model.backbone.subnet == model.backbone.space.max
    with pytest.raises(UserError, match=r"model\.backbone\.subnet is .*; leave it out"):
        build(kind, backbone_options={"subnet": "MIN"})


@pytest.mark.parametrize("kind", KINDS)
def test_projection_of_any_subnet_has_one_width(kind):
    model = build(kind)
    for subnet in (model.backbone.space.max, model.backbone.space.min):
        assert model.project(batch(0)[0], subnet).shape == (8, 6)


def _regression(model, z, target):
    """2 - 2 cos, less 2: the host's shift of 0."""
    prediction = F.normalize(model.head.predictor([z])[0], dim=1)
    return -(prediction * F.normalize(target, dim=1)).sum(1).mean()


@pytest.mark.parametrize(("kind", "factor"), [("BYOL", 2), ("SimSiam", 0.5)])
def test_subnets_regress_max(kind, factor):
    fresh_hub()
    model = build(kind)
    views, space = batch(0), model.backbone.space
    reference = copy.deepcopy(model)
    with torch.no_grad():
        targets = [reference.project(view, space.max) for view in views]
        expected = []
        for subnet in model.subnets_of_step():
            first, second = (reference.project(view, subnet) for view in views)
            loss = _regression(reference, first, targets[1])
            loss = loss + _regression(reference, second, targets[0])
            expected.append(factor * loss)
    logs = model.train_step({"inputs": views}, sgd(model))
    got = [logs[f"{name}/loss"] for name in ("max", "min", "rand0")]
    torch.testing.assert_close(torch.stack(got), torch.stack(expected))


def test_simsiam_without_max_in_the_step_still_regresses_max():
    fresh_hub()
    model = build("SimSiam", {"type": "RandomSubnets", "num": 1, "seed": 1})
    (subnet,) = model.subnets_of_step()
    assert subnet != model.backbone.space.max
    views = batch(0)
    shared = model.prepare(views)
    expected = model.project(views[0], model.backbone.space.max)
    largest = model.backbone.space.max
    torch.testing.assert_close(shared.targets[largest][0], expected)


def test_byol_moves_its_target_once_a_step():
    model = build("BYOL", {"type": "Sandwich", "num_random": 2})
    train(model, 3)
    assert int(model.target_net.steps) == 3


def test_densecl_of_max_is_the_hosts():
    fresh_hub()
    mine = build("DenseCL", max_alone(), norm=None)
    host = _host_densecl(mine)
    views = batch(0)
    theirs = host.loss(views, [])
    logs = mine.train_step({"inputs": views}, sgd(mine))
    for name in ("loss_single", "loss_dense"):
        torch.testing.assert_close(logs[f"max/{name}"], theirs[name].detach())
    torch.testing.assert_close(mine.queue, host.queue)
    torch.testing.assert_close(mine.queue2, host.queue2)
    assert int(mine.queue2_ptr) == int(host.queue2_ptr) == 8


def _host_densecl(model):
    """The host's, with MAX's weights; it wants queues of whole batches."""
    widths = {"in_channels": 16, "hid_channels": 12, "out_channels": 6}
    host = MODELS.build(
        {
            "type": "mmselfsup.DenseCL",
            "backbone": {"type": "mmselfsup.ResNet", "depth": 18},
            "neck": {"type": "mmselfsup.DenseCLNeck", **widths},
            "head": {
                "type": "mmselfsup.ContrastiveHead",
                "loss": {"type": "mmcls.CrossEntropyLoss"},
                "temperature": 0.2,
            },
            "queue_len": 24,
            "feat_dim": 6,
        }
    )
    model.queue_len = 24
    for name in ("queue", "queue2"):
        setattr(model, name, getattr(host, name).clone())
    backbone = copy.deepcopy(model.backbone)
    neck, state = host.neck, model.neck.state_dict()
    for branch, theirs in (("single", neck.mlp), ("dense", neck.mlp2)):
        for place, layer in ((0, theirs[0]), (1, theirs[2])):
            weight = state[f"{branch}.layers.{place}.weight"]
            layer.weight.data.copy_(weight.view_as(layer.weight))
            layer.bias.data.copy_(state[f"{branch}.layers.{place}.bias"])
    host.backbone = backbone
    host.encoder_k.module = torch.nn.Sequential(
        copy.deepcopy(backbone), copy.deepcopy(neck)
    )
    host.encoder_k.update_parameters = lambda source: None
    return host.train()


def test_densecl_gives_all_subnets_the_matches_of_max():
    model = build("DenseCL", norm=None)
    views, space = batch(0), model.backbone.space
    shared = model.prepare(views)
    with pytest.raises(UserError, match="runs MAX in every step"):
        model.subnet_loss(views, shared, space.min)
    model.subnet_loss(views, shared, space.max)
    query = model.backbone(views[0], space.max)[-1].flatten(2)
    for image in range(8):
        for position in range(query.shape[2]):
            similarities = [
                F.cosine_similarity(query[image, :, position], key, dim=0)
                for key in shared.features[image].T
            ]
            assert int(shared.matches[image, position]) == int(
                torch.stack(similarities).argmax()
            )
    matches = shared.matches.clone()
    model.subnet_loss(views, shared, space.min)
    assert torch.equal(matches, shared.matches)

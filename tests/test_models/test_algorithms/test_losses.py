"""Each loss against its formula, written out row by row."""

import copy
import math

import pytest
import torch

from tests.test_models.test_algorithms._build import build, views


def _cosine(a, b):
    return (a @ b / (a.norm() * b.norm())).item()


def _project(model, x):
    return model.neck(model.backbone(x))[0]


def _predict(model, z):
    return model.head.predictor([z])[0]


def test_moco_is_info_nce():
    model = build("MoCo")
    twin = copy.deepcopy(model)
    first, second = views()
    loss = model.loss([first, second])["loss"]

    q, k = _project(twin, first), _project(twin, second)
    rows = []
    for i in range(len(q)):
        positive = math.exp(_cosine(q[i], k[i]) / 0.2)
        negative = sum(math.exp(_cosine(q[i], n) / 0.2) for n in twin.queue.T)
        rows.append(-math.log(positive / (positive + negative)))
    assert loss.item() == pytest.approx(sum(rows) / len(rows), rel=1e-5)


def test_byol_is_two_minus_two_cosines_both_ways():
    model = build("BYOL")
    twin = copy.deepcopy(model)
    first, second = views()
    loss = model.loss([first, second])["loss"]

    z1, z2 = _project(twin, first), _project(twin, second)  # online = target at first
    p1, p2 = _predict(twin, z1), _predict(twin, z2)
    one_way = [2 - 2 * _cosine(p, z) for p, z in zip(p1, z2, strict=True)]
    other_way = [2 - 2 * _cosine(p, z) for p, z in zip(p2, z1, strict=True)]
    assert loss.item() == pytest.approx(sum(one_way + other_way) / 8, abs=1e-5)


def test_simsiam_is_half_the_negative_cosines():
    model = build("SimSiam")
    twin = copy.deepcopy(model)
    first, second = views()
    loss = model.loss([first, second])["loss"]

    z1, z2 = _project(twin, first), _project(twin, second)
    p1, p2 = _predict(twin, z1), _predict(twin, z2)
    one_way = [-_cosine(p, z) / 2 for p, z in zip(p1, z2, strict=True)]
    other_way = [-_cosine(p, z) / 2 for p, z in zip(p2, z1, strict=True)]
    assert loss.item() == pytest.approx(sum(one_way + other_way) / 8, abs=1e-5)


def test_simsiam_stops_the_gradient_of_the_target():
    model = build("SimSiam")
    first, second = views()
    model.loss([first, second])["loss"].backward()
    gradient = model.neck.fc0.weight.grad.clone()

    model.zero_grad()
    z1, z2 = _project(model, first), _project(model, second)
    p1, p2 = _predict(model, z1), _predict(model, z2)
    normalised = torch.nn.functional.normalize
    loss = 0
    for p, z in ((p1, z2.detach()), (p2, z1.detach())):
        loss = loss - (normalised(p) * normalised(z)).sum(dim=1).mean() / 2
    loss.backward()
    torch.testing.assert_close(gradient, model.neck.fc0.weight.grad)


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_only_the_online_network_learns(kind):
    model = build(kind)
    model.loss(views())["loss"].backward()
    for name, parameter in model.named_parameters():
        is_average = name.startswith(("encoder_k.", "target_net."))
        assert (parameter.grad is None) == is_average, name


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_bfloat16_autocast_changes_the_loss_little(kind):
    model = build(kind)
    twin = copy.deepcopy(model)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = model.loss(views())["loss"]
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(twin.loss(views())["loss"].item(), abs=0.05)


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam"])
def test_features_of_one_tensor_or_of_two_views(kind):
    model = build(kind).eval()
    first, second = views()
    (from_tensor,) = model(first, mode="tensor")
    (from_views,) = model([first, second], mode="tensor")
    assert from_tensor.shape == (8, 32, 1, 1)
    assert from_views.shape == from_tensor.shape

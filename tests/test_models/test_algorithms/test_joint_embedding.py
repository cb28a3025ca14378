"""LeJEPA and VICReg: losses against their formulas, and elastic steps."""

import math
from itertools import pairwise

import pytest
import torch

from mmtaskssl.models.heads import SIGRegHead, VICRegHead
from mmtaskssl.utils.errors import UserError
from tests.test_models.test_algorithms import _build, _routed, _slimmable, _supernets
from tests.test_models.test_algorithms._elastic import batch, fresh_hub


def embeddings(views=2, n=6, dim=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, dim, generator=generator) for _ in range(views)]


def sigreg(z, directions, points=17):
    """Epps and Pulley's statistic, written out: mean over directions."""
    values, total = [-5 + 10 * i / (points - 1) for i in range(points)], 0.0
    for a in directions.T:
        shadow = [float(x @ a) for x in z]
        heights = []
        for t in values:
            real = sum(math.cos(t * s) for s in shadow) / len(shadow)
            imaginary = sum(math.sin(t * s) for s in shadow) / len(shadow)
            normal = math.exp(-t * t / 2)
            heights.append(((real - normal) ** 2 + imaginary**2) * normal)
        width = 10 / (points - 1)
        areas = [width * (low + high) / 2 for low, high in pairwise(heights)]
        total += len(shadow) * sum(areas)
    return total / directions.shape[1]


@pytest.mark.parametrize("count", [2, 4])
def test_sigreg_head_is_the_papers_loss(count):
    head, views = SIGRegHead(weight=0.1, num_directions=3), embeddings(count)
    drawn = head.draw(4, torch.device("cpu"))
    losses = head.loss(views, drawn)
    centre = (views[0] + views[1]) / 2
    distances = [float((v - centre).square().mean()) for v in views]
    assert float(losses["match"]) == pytest.approx(0.9 * sum(distances) / count)
    statistics = [sigreg(v, drawn) for v in views]
    expected = 0.1 * sum(statistics) / count
    assert float(losses["sigreg"]) == pytest.approx(expected, rel=1e-4)


def test_vicreg_head_is_the_papers_loss():
    head, (a, b) = VICRegHead(25.0, 25.0, 1.0), embeddings()
    losses = head.loss([a, b])
    assert float(losses["match"]) == pytest.approx(
        25 * float((a - b).square().mean()), rel=1e-5
    )
    hinge = covariance = 0.0
    for z in (a, b):
        c = torch.cov(z.T)
        hinge += float((1 - (c.diagonal() + 1e-4).sqrt()).relu().mean()) / 2
        covariance += sum(
            float(c[i, j]) ** 2 for i in range(4) for j in range(4) if i != j
        )
    assert float(losses["std"]) == pytest.approx(25 * hinge, rel=1e-4)
    assert float(losses["cov"]) == pytest.approx(covariance / 4, rel=1e-4)


@pytest.mark.parametrize("head", [SIGRegHead(), VICRegHead()])
def test_what_has_collapsed_costs_more(head):
    spread = torch.randn(512, 16, generator=torch.Generator().manual_seed(1))
    drawn = head.draw(16, torch.device("cpu"))

    def cost(z):
        losses = head.loss([z, z], drawn)
        return float(losses["loss"] - losses["match"])

    line = spread[:, :1].expand(-1, 16)
    assert cost(spread) < 0.1 * cost(line) < cost(torch.zeros_like(spread))


def test_directions_follow_the_step_alone():
    head, other = SIGRegHead(num_directions=5), SIGRegHead(num_directions=5)
    cpu = torch.device("cpu")
    first, second = head.draw(4, cpu), head.draw(4, cpu)
    assert torch.allclose(first.norm(dim=0), torch.ones(5))
    assert not torch.equal(first, second)
    other.load_state_dict(head.state_dict())
    torch.manual_seed(5)
    assert torch.equal(other.draw(4, cpu), head.draw(4, cpu))


def test_bad_weights_are_refused():
    with pytest.raises(UserError, match="weight"):
        SIGRegHead(weight=1.5)
    with pytest.raises(UserError, match="weights"):
        VICRegHead(cov_weight=-1)


def test_max_alone_is_the_plain_algorithm_bit_for_bit():
    supernet = _supernets.build("JointEmbedding", _supernets.max_alone())
    plain = _supernets.build("JointEmbedding", None)
    assert _supernets.train(supernet, 3) == _supernets.train(plain, 3)
    _supernets.assert_trained_alike(supernet, plain)


@pytest.mark.parametrize("kind", ["supernet", "slimmable"])
def test_subnets_approach_the_largest(kind):
    fresh_hub()
    build = _supernets.build if kind == "supernet" else _slimmable.build
    model, views = build("JointEmbedding"), batch(0)
    largest = model.backbone.space.max
    whole = torch.stack([model.project(v, largest).detach() for v in views]).mean(0)
    with torch.no_grad():
        shared = model.prepare(views)
    model.subnet_loss(views, shared, largest)
    torch.testing.assert_close(shared.centre, whole)
    assert not shared.centre.requires_grad
    drawn = shared.drawn
    smallest = model.backbone.space.min
    losses = model.subnet_loss(views, shared, smallest)
    assert shared.drawn is drawn  # one draw a step
    embedded = [model.project(view, smallest) for view in views]
    expected = model.head.loss(embedded, drawn, whole)
    for name, value in losses.items():
        torch.testing.assert_close(value, expected[name])


def test_a_path_approaches_max():
    model = _routed.build("RoutedJointEmbedding", kd_weight=0.25)
    logs, data, gradients = _routed.train_step(model)
    assert gradients
    path = model.subnets_of_step()[1]
    views = [view[6:] for view in data["inputs"]]
    largest = model.backbone.space.max
    mine = torch.stack([model.project(view, path) for view in views])
    centre = torch.stack([model.project(view, largest) for view in views]).mean(0)
    expected = model.head.match(mine, centre, 2).detach()
    torch.testing.assert_close(logs["path0/kd"], expected)
    rest = logs["path0/sigreg"] + 0.75 * logs["path0/match"]
    torch.testing.assert_close(logs["path0/loss"], rest + 0.25 * expected)


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam", "JointEmbedding"])
def test_local_views_join_the_plain_algorithms(kind):
    whole, local = _build.views(), [v[:, :, :8, :8] for v in _build.views(seed=1)]
    model = _build.build(kind)
    loss = model.loss(whole + local)["loss"]
    assert loss.isfinite()
    loss.backward()
    again = _build.build(kind)
    other = again.loss(whole + [2 * view for view in local])["loss"]
    assert not torch.equal(loss, other)  # they count


def test_simsiam_compares_each_view_with_every_other_whole_one():
    whole, local = _build.views(), _build.views(seed=1)[0][:, :, :8, :8]
    model, twin = _build.build("SimSiam"), _build.build("SimSiam")
    loss = model.loss([*whole, local])["loss"]
    z = [twin.neck(twin.backbone(view))[0] for view in [*whole, local]]
    p = [twin.head.predictor([each])[0] for each in z]
    pairs = [(0, 1), (1, 0), (2, 0), (2, 1)]
    cosines = [torch.cosine_similarity(p[v], z[w]).mean() for v, w in pairs]
    torch.testing.assert_close(loss, -sum(cosines) / 4)


@pytest.mark.parametrize("kind", ["MoCo", "BYOL", "SimSiam", "JointEmbedding"])
def test_local_views_join_the_elastic_algorithms(kind):
    views = [*batch(0), batch(1)[0][:, :, :8, :8]]
    for model in (_supernets.build(kind), _slimmable.build(kind)):
        fresh_hub()
        logs = model.train_step({"inputs": views}, _supernets.sgd(model))
        assert logs["loss"].isfinite()


def test_densecl_has_no_use_for_local_views():
    fresh_hub()
    model = _supernets.build("DenseCL")
    views = [*batch(0), batch(1)[0]]
    with pytest.raises(UserError, match="local_views"):
        model.train_step({"inputs": views}, _supernets.sgd(model))

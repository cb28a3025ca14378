"""The losses between a student and a teacher, against slow references."""

import math

import pytest
import torch
import torch.nn.functional as F

from mmtaskssl.models.losses import (
    CosineRegression,
    DenseAffinity,
    DenseCosine,
    SimilarityMatching,
    SquaredRegression,
    TargetNorm,
)
from mmtaskssl.utils.errors import UserError


def _normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _cosine(a, b):
    return ((a * b).sum() / (a.norm() * b.norm())).item()


def test_cosine_and_squared_regression():
    a, b = _normal(5, 7), _normal(5, 7, seed=1)
    expected = sum(1 - _cosine(x, y) for x, y in zip(a, b, strict=True)) / 5
    assert float(CosineRegression()(a, b)) == pytest.approx(expected, abs=1e-6)
    assert float(CosineRegression()(3 * a, b)) == pytest.approx(expected, abs=1e-6)
    expected = sum(float(v) ** 2 for v in (a - b).flatten()) / 35
    assert float(SquaredRegression()(a, b)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("queue", [0, 6])
def test_similarity_matching(queue):
    loss = SimilarityMatching(0.2, 0.07, queue, 7 if queue else None)
    student = _normal(5, 7 if queue else 4).requires_grad_()
    teacher = _normal(5, 7, seed=1).requires_grad_()
    total = 0.0
    for i in range(5):
        if queue:
            anchors = [teacher[i], *loss.queue]
            pairs = [(_cosine(student[i], a), _cosine(teacher[i], a)) for a in anchors]
        else:
            others = [j for j in range(5) if j != i]
            pairs = [
                (_cosine(student[i], student[j]), _cosine(teacher[i], teacher[j]))
                for j in others
            ]
        ours = [math.exp(s / 0.2) for s, _ in pairs]
        theirs = [math.exp(t / 0.07) for _, t in pairs]
        for o, t in zip(ours, theirs, strict=True):
            total -= t / sum(theirs) * math.log(o / sum(ours))
    value = loss(student, teacher)
    assert float(value) == pytest.approx(total / 5, rel=1e-5)
    value.backward()
    assert student.grad is not None and teacher.grad is None


def test_a_queue_keeps_the_newest_teacher_features():
    loss = SimilarityMatching(queue_len=6, dim=3)
    rows = F.normalize(_normal(8, 3), dim=1)
    loss.finish(rows[:4])
    loss.finish(rows[4:])
    expected = torch.cat([rows[6:8], rows[2:6]])
    torch.testing.assert_close(loss.queue, expected)
    assert int(loss.place) == 2


def test_dense_losses_average_what_a_position_covers():
    student, teacher = _normal(2, 3, 2, 2), _normal(2, 3, 4, 4, seed=1)
    cells = [
        teacher[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean((2, 3))
        for i in range(2)
        for j in range(2)
    ]
    ours = [student[:, :, i, j] for i in range(2) for j in range(2)]
    total = sum(
        1 - _cosine(o[n], c[n])
        for o, c in zip(ours, cells, strict=True)
        for n in range(2)
    )
    got = DenseCosine()(student, teacher)
    assert float(got) == pytest.approx(total / 8, abs=1e-6)
    total = sum(
        (_cosine(ours[p][n], ours[q][n]) - _cosine(cells[p][n], cells[q][n])) ** 2
        for p in range(4)
        for q in range(4)
        for n in range(2)
    )
    got = DenseAffinity()(student, teacher)
    assert float(got) == pytest.approx(total / 32, abs=1e-6)


@pytest.mark.parametrize("kind", ["centre", "isotropic", "standard"])
def test_statistics_are_those_of_all_images_until_enough_were_seen(kind):
    features = 3 * _normal(20, 6) + torch.arange(6)
    norm = TargetNorm(6, kind, images=12)
    for rows in features.split(5):  # the fourth batch comes too late
        norm.update(rows)
    seen = features[:15].double()
    mean, variance = seen.mean(0), seen.var(0, unbiased=False)
    scale = {
        "centre": torch.ones(6),
        "isotropic": variance.mean().sqrt().expand(6),
        "standard": variance.sqrt(),
    }[kind]
    expected = ((features - mean) / scale).float()
    torch.testing.assert_close(norm(features), expected, rtol=1e-4, atol=1e-4)
    narrow = expected[:, :4]
    torch.testing.assert_close(norm(features[:, :4]), narrow, rtol=1e-4, atol=1e-4)


def test_statistics_go_on_where_they_were():
    batches = _normal(4, 5, 6).unbind()
    whole, first, second = (TargetNorm(6, "standard", 18) for _ in range(3))
    for number, rows in enumerate(batches):
        whole.update(rows)
        (first if number < 2 else second).update(rows)
        if number == 1:
            second.load_state_dict(first.state_dict())
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_bad_numbers_are_refused():
    with pytest.raises(UserError, match="norm is one of none, centre"):
        TargetNorm(4, "whiten")
    with pytest.raises(UserError, match="temperatures"):
        SimilarityMatching(0.0)
    with pytest.raises(UserError, match="length and dim"):
        SimilarityMatching(queue_len=5)

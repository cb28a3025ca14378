"""The weighted kNN vote against a loop over neighbours."""

import math

import pytest
import torch

from mmtaskssl.evaluation import neighbours
from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.utils.errors import UserError


def slow_knn(train_x, train_y, test_x, num_classes, k, temperature):
    scores = torch.zeros(len(test_x), num_classes)
    for i, x in enumerate(test_x.double()):
        cosine = [
            float(x @ t / (x.norm() * t.norm())) for t in train_x.double().unbind()
        ]
        nearest = sorted(range(len(cosine)), key=lambda j: -cosine[j])[:k]
        for j in nearest:
            scores[i, train_y[j]] += math.exp(cosine[j] / temperature)
    return scores / scores.sum(1, keepdim=True)


@pytest.fixture
def data():
    g = torch.Generator().manual_seed(0)
    return (
        torch.randn(40, 8, generator=g),
        torch.randint(5, (40,), generator=g),
        torch.randn(11, 8, generator=g),
    )


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (7, 0.07), (40, 0.5)])
@pytest.mark.parametrize("at_once", [(1, 4), (4, 1), (1000, 1000)])
def test_against_slow_reference(data, k, temperature, at_once, monkeypatch):
    monkeypatch.setattr(neighbours, "_QUERIES_AT_ONCE", at_once[0])
    monkeypatch.setattr(neighbours, "_ROWS_AT_ONCE", at_once[1])
    train_x, train_y, test_x = data
    scores = weighted_knn(train_x, train_y, test_x, 5, k, temperature)
    expected = slow_knn(train_x, train_y, test_x, 5, k, temperature)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)


def test_k_is_clipped_and_tiny_temperature_is_finite(data):
    train_x, train_y, test_x = data
    clipped = weighted_knn(train_x, train_y, test_x, 5, k=1000)
    torch.testing.assert_close(clipped, weighted_knn(train_x, train_y, test_x, 5, k=40))
    sharp = weighted_knn(train_x, train_y, test_x, 5, k=9, temperature=1e-6)
    nearest = weighted_knn(train_x, train_y, test_x, 5, k=1)
    torch.testing.assert_close(sharp, nearest)


def test_multi_label_votes(data):
    train_x, train_y, test_x = data
    one_hot = torch.nn.functional.one_hot(train_y, 5)
    single = weighted_knn(train_x, train_y, test_x, 5, k=6)
    multi = weighted_knn(train_x, one_hot, test_x, 5, k=6)
    torch.testing.assert_close(multi, single)


def test_of_equally_near_rows_the_first_vote():
    train_x = torch.ones(6, 4) * torch.arange(1, 7)[:, None]  # all in one direction
    scores = weighted_knn(train_x, torch.arange(6), torch.ones(1, 4), 6, k=2)
    torch.testing.assert_close(scores, torch.tensor([[0.5, 0.5, 0, 0, 0, 0]]))


def test_half_precision_input_votes_in_float32(data):
    train_x, train_y, test_x = data
    scores = weighted_knn(train_x.half(), train_y, test_x.half(), 5)
    assert scores.dtype == torch.float32
    assert torch.allclose(scores.sum(1), torch.ones(11))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_x": torch.zeros(0, 8), "train_y": torch.zeros(0).long()}, "one train"),
        ({"test_x": torch.zeros(2, 9)}, "same dim"),
        ({"k": 0}, "k >= 1"),
        ({"temperature": 0.0}, "temperature > 0"),
        ({"num_classes": 3}, r"0\.\.2"),
        ({"train_y": torch.zeros(3).long()}, "40 training features but 3 labels"),
        ({"train_y": torch.zeros(40, 2)}, "2 columns"),
    ],
)
def test_bad_input(data, change, message):
    train_x, train_y, test_x = data
    arguments = {
        "train_x": train_x,
        "train_y": train_y,
        "test_x": test_x,
        "num_classes": 5,
    }
    with pytest.raises(UserError, match=message):
        weighted_knn(**{**arguments, **change})

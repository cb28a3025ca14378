"""Logistic regression against scikit-learn; the choice of weight decay."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mmtaskssl.evaluation import linear
from mmtaskssl.evaluation.linear import fit_linear, linear_probe
from mmtaskssl.evaluation.metrics import top1
from mmtaskssl.utils.errors import UserError


def blobs(per_class=20, classes=3, dim=6, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, dim))
    y = np.repeat(np.arange(classes), per_class)
    x = centres[y] + noise * rng.normal(size=(len(y), dim)) + 5
    return torch.from_numpy(x).float(), torch.from_numpy(y)


def sklearn_model(weight_decay, rows):
    return LogisticRegression(C=1 / (weight_decay * rows), tol=1e-10, max_iter=10_000)


@pytest.mark.parametrize("weight_decay", [1e-3, 1e-1, 10.0])
def test_equals_scikit_learn(weight_decay):
    x, y = blobs()
    ours = fit_linear(x, y, 3, weight_decay, tolerance=1e-9)
    scaler = StandardScaler().fit(x.double().numpy())
    reference = sklearn_model(weight_decay, len(x))
    reference.fit(scaler.transform(x.double().numpy()), y.numpy())
    np.testing.assert_allclose(ours.weight, reference.coef_, atol=1e-5)
    expected = reference.predict_proba(scaler.transform(x.double().numpy()))
    np.testing.assert_allclose(ours.scores(x).softmax(1), expected, atol=1e-5)


def test_several_labels_are_independent_binary_problems():
    x, y = blobs()
    targets = torch.stack([y == 0, (y == 1) | (y == 2)], dim=1).float()
    ours = fit_linear(x, targets, 2, 1e-2, tolerance=1e-9)
    scaler = StandardScaler().fit(x.double().numpy())
    for c in range(2):
        reference = LogisticRegression(
            C=1 / (1e-2 * len(x)), tol=1e-10, max_iter=10_000
        )
        reference.fit(scaler.transform(x.double().numpy()), targets[:, c].numpy())
        np.testing.assert_allclose(ours.weight[c], reference.coef_[0], atol=1e-4)


def test_chunks_and_single_precision_agree(monkeypatch):
    x, y = blobs()
    whole = fit_linear(x, y, 3, 0.1)
    monkeypatch.setattr(linear, "_CHUNK", 7)
    torch.testing.assert_close(fit_linear(x, y, 3, 0.1).weight, whole.weight)
    monkeypatch.setattr(linear, "_DOUBLE_VALUES", 0)
    single = fit_linear(x, y, 3, 0.1)
    assert single.weight.dtype == torch.float32
    torch.testing.assert_close(
        single.weight.double(), whole.weight, rtol=1e-3, atol=1e-3
    )


def test_warm_start_ends_at_the_same_place():
    x, y = blobs()
    cold = fit_linear(x, y, 3, 0.01, tolerance=1e-9)
    warm = fit_linear(x, y, 3, 0.01, start=fit_linear(x, y, 3, 10.0), tolerance=1e-9)
    torch.testing.assert_close(warm.weight, cold.weight, atol=1e-6, rtol=1e-5)


def test_constant_features_do_no_harm():
    x, y = blobs()
    expected = fit_linear(x, y, 3, 0.1).scores(x)
    x = torch.cat([x, torch.full((len(x), 1), 0.123), torch.zeros(len(x), 1)], dim=1)
    torch.testing.assert_close(fit_linear(x, y, 3, 0.1).scores(x), expected)


def test_weight_decay_is_chosen_by_held_out_rows():
    # Many noise features and few rows: little weight decay overfits.
    x, y = blobs(per_class=8, dim=4, noise=0.7)
    noise = torch.randn(len(x), 200, generator=torch.Generator().manual_seed(0))
    x = torch.cat([2 * x, noise], dim=1)
    grid = (1e-6, 1e-3, 1.0, 1e3)
    model = linear_probe(x, y, 3, grid)
    assert model.weight_decay in (1e-3, 1.0)
    torch.testing.assert_close(
        model.weight, fit_linear(x, y, 3, model.weight_decay).weight
    )
    again = linear_probe(x, y, 3, grid)
    assert torch.equal(again.weight, model.weight)


def test_separable_classes_are_learned():
    x, y = blobs(noise=0.1)
    assert top1(linear_probe(x, y, 3).scores(x), y) == 1
    targets = torch.nn.functional.one_hot(y, 3)
    assert top1(linear_probe(x, targets, 3).scores(x), y) == 1


def test_one_image_a_class_has_no_inner_split():
    x, y = blobs(per_class=1)
    assert linear_probe(x, y, 3, (0.01, 1.0, 100.0)).weight_decay == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.full((60, 6), float("nan"))}, "NaN"),
        ({"x": torch.zeros(2, 6)}, "2 training features but 60 labels"),
        ({"num_classes": 1}, "two classes"),
        ({"weight_decays": ()}, "above 0"),
        ({"weight_decays": (0.0, 1.0)}, "above 0"),
    ],
)
def test_bad_input(change, message):
    x, y = blobs()
    with pytest.raises(UserError, match=message):
        linear_probe(**{"x": x, "y": y, "num_classes": 3, **change})


def test_a_class_that_all_rows_have_is_certain():
    """Its bias would grow without end, and the fit would never be done."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 20, generator=generator)
    y = torch.stack([x[:, 0] > 0, torch.ones(60) > 0, torch.zeros(60) > 0], 1).float()
    alone = fit_linear(x, y[:, :1], 1, 0.1)
    found = fit_linear(x, y, 3, 0.1)
    torch.testing.assert_close(found.weight[:1], alone.weight, atol=1e-4, rtol=1e-3)
    scores = found.scores(x)
    assert bool((scores[:, 1] > 10).all()) and bool((scores[:, 2] < -10).all())

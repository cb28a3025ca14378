import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmtaskssl.evaluation.logme import logme
from mmtaskssl.utils.errors import UserError


def log_evidence(x, y, alpha, beta):
    """log N(y; 0, 1 / beta + x x' / alpha): the definition, with no algebra."""
    covariance = np.eye(len(x)) / beta + x @ x.T / alpha
    _, determinant = np.linalg.slogdet(covariance)
    quadratic = y @ np.linalg.solve(covariance, y)
    return -0.5 * (len(y) * math.log(2 * math.pi) + determinant + quadratic)


def reference(x, y, classes):
    total = 0
    for label in range(classes):
        target = (y == label).astype(float)
        found = minimize(
            lambda p, t=target: -log_evidence(x, t, *np.exp(p)),
            np.zeros(2),
            method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000},
        )
        total -= found.fun / len(y)
    return total / classes


def data(rows, dim, classes, spread, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    x = rng.standard_normal((classes, dim))[y] + spread * rng.standard_normal(
        (rows, dim)
    )
    return x, y


@pytest.mark.parametrize(("rows", "dim"), [(40, 6), (12, 20)])
def test_is_the_maximum_of_the_evidence(rows, dim):
    x, y = data(rows, dim, 3, 1.0)
    found = logme(torch.from_numpy(x), torch.from_numpy(y), 3)
    assert found == pytest.approx(reference(x, y, 3), abs=2e-4)


def test_better_features_score_higher():
    scores = []
    for spread in (0.2, 1, 5):
        x, y = data(60, 8, 4, spread)
        scores.append(logme(torch.from_numpy(x), torch.from_numpy(y), 4))
    assert scores == sorted(scores, reverse=True)


def test_zero_one_labels_are_the_same_as_classes():
    x, y = data(30, 5, 3, 1)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    table = torch.nn.functional.one_hot(y, 3).float()
    assert logme(x, table, 3) == pytest.approx(logme(x, y, 3))


def test_labels_that_are_explained_exactly_stay_finite():
    x = torch.eye(4)
    assert math.isfinite(logme(x, torch.arange(4), 4))
    assert math.isfinite(logme(torch.zeros(4, 3), torch.tensor([0, 0, 1, 1]), 2))


def test_too_few_rows_are_refused():
    with pytest.raises(UserError, match="two labelled rows"):
        logme(torch.zeros(1, 3), torch.zeros(1), 2)


def test_one_factor_changes_nothing_and_normalised_rows_do():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(40, 6, generator=generator)
    y = torch.arange(40) % 3
    value = logme(x, y, 3)
    assert logme(7 * x, y, 3) == pytest.approx(value, abs=1e-4)
    assert abs(logme(torch.nn.functional.normalize(x), y, 3) - value) > 1e-3

"""Measures without labels against their definitions, written slowly."""

import itertools
import math

import numpy as np
import pytest
import torch

from mmtaskssl.evaluation.label_free import (
    DIRECTIONS,
    alignment,
    label_free,
    lidar,
    uniformity,
)
from mmtaskssl.evaluation.spectrum import effective_rank, spectrum_decay
from mmtaskssl.utils.errors import UserError


def features(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_alignment_is_the_mean_over_pairs_of_views(power):
    x = features(5, 3, 4) + 1
    rows = unit(x.double().numpy())
    found = [
        np.linalg.norm(a - b) ** power
        for views in rows
        for a, b in itertools.combinations(views, 2)
    ]
    assert alignment(x, power) == pytest.approx(np.mean(found), rel=1e-9)
    assert alignment(x[:, :1].expand(-1, 3, -1)) == pytest.approx(0, abs=1e-12)
    opposite = torch.stack([x[:, 0], -x[:, 0]], 1)
    assert alignment(opposite) == pytest.approx(4)


@pytest.mark.parametrize("t", [0.5, 2.0])
def test_uniformity_is_of_all_pairs_of_images(t):
    x = features(7, 4) + 0.5
    rows = unit(x.double().numpy())
    found = [
        math.exp(-t * float(((a - b) ** 2).sum()))
        for a, b in itertools.combinations(rows, 2)
    ]
    assert uniformity(x, t) == pytest.approx(math.log(np.mean(found)), rel=1e-9)
    assert uniformity(torch.ones(6, 3), t) == pytest.approx(0, abs=1e-12)
    # Far apart on a large sphere: all squared distances near 2.
    assert uniformity(features(300, 4000), t) == pytest.approx(-2 * t, abs=0.02)


@pytest.mark.parametrize("shape", [(12, 5, 4), (5, 3, 16)])
def test_lidar_is_the_spectrum_of_a_discriminant_analysis(shape):
    shrinkage = 0.05
    x = features(*shape) * torch.linspace(0.3, 2, shape[2]) + features(shape[0], 1, 1)
    rows = x.double().numpy()
    images, views, dim = shape
    overall = rows.reshape(-1, dim).mean(0)
    within, between = np.zeros((dim, dim)), np.zeros((dim, dim))
    for image in rows:
        centre = image.mean(0)
        between += np.outer(centre - overall, centre - overall) / images
        for view in image:
            within += np.outer(view - centre, view - centre) / (images * views)
    within += shrinkage * np.trace(within) / dim * np.eye(dim)
    values, basis = np.linalg.eigh(within)
    root = basis @ np.diag(values**-0.5) @ basis.T
    p = np.clip(np.linalg.eigvalsh(root @ between @ root), 0, None)
    p = p[p > 1e-12] / p.sum()
    expected = np.exp(-(p * np.log(p)).sum())
    assert lidar(x, shrinkage) == pytest.approx(expected, rel=1e-6)
    assert lidar(100 * x, shrinkage) == pytest.approx(expected, rel=1e-6)


def test_lidar_counts_out_what_views_change():
    """Half of the directions tell images apart, the others their views."""
    images, views, half = 200, 8, 4
    own = features(images, 1, half).expand(-1, views, -1)
    noise = features(images, views, half, seed=1)
    x = torch.cat([own + 0.05 * features(images, views, half, seed=2), noise], 2)
    assert lidar(x) == pytest.approx(half, rel=0.1)
    assert effective_rank(x.flatten(0, 1)) > 1.8 * half
    same = features(1, 1, 6).expand(5, 3, 6)
    assert lidar(same) == 0


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.5])
def test_the_decay_of_a_power_law(alpha):
    rows, channels = 60, 24
    basis = features(rows, channels)
    basis = torch.linalg.qr(basis - basis.mean(0)).Q.double()  # centred, orthonormal
    turn = torch.linalg.qr(features(channels, channels, seed=1)).Q.double()
    scale = torch.arange(1, channels + 1).double() ** (-alpha / 2)
    x = (basis * scale) @ turn + features(channels, seed=2)
    assert spectrum_decay(x) == pytest.approx(alpha, abs=1e-4)
    assert spectrum_decay(50 * x) == pytest.approx(alpha, abs=1e-4)


def test_the_decay_of_a_collapse_is_none():
    assert math.isnan(spectrum_decay(torch.ones(9, 5)))


def test_all_at_once():
    x, views = features(20, 6), features(20, 3, 6)
    found = label_free(x, views)
    assert [*found] == [*DIRECTIONS]
    assert found["rankme"] == effective_rank(x) and found["lidar"] == lidar(views)
    assert [*label_free(x)] == ["rankme", "alpha_req", "uniformity"]


def test_bad_features():
    with pytest.raises(UserError, match=r"at least 1 image\(s\) and 2 view"):
        alignment(features(4, 1, 3))
    with pytest.raises(UserError, match=r"at least 2 image\(s\) and 1 view"):
        uniformity(features(1, 3))
    with pytest.raises(UserError, match="NaN"):
        lidar(features(3, 2, 2) * math.inf)
    with pytest.raises(UserError, match="needed with"):
        lidar(features(3, 2))

"""Effective rank and spread of embeddings against their definitions."""

import math

import numpy as np
import pytest
import torch

from mmtaskssl.evaluation.spectrum import effective_rank, embedding_std
from mmtaskssl.utils.errors import UserError


def features(rows, channels, seed=0):
    return torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (16, 16)])
def test_effective_rank_is_roy_and_vetterlis(shape):
    x = features(*shape) * torch.linspace(0.1, 3, shape[1])
    values = np.linalg.svd(x.double().numpy(), compute_uv=False)
    p = values / values.sum()
    assert effective_rank(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-6)


def test_effective_rank_of_known_spectra():
    assert effective_rank(torch.eye(12)) == pytest.approx(12)
    basis = torch.linalg.qr(features(20, 5)).Q
    assert effective_rank(
        basis @ torch.linalg.qr(features(5, 5, 1)).Q
    ) == pytest.approx(5)
    line = torch.outer(features(30, 1)[:, 0], features(9, 1, 1)[:, 0])
    assert effective_rank(line) == pytest.approx(1, abs=1e-4)
    assert effective_rank(torch.zeros(4, 3)) == 0
    two = torch.diag(torch.tensor([3.0, 1.0]))  # entropy of (3/4, 1/4)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(two) == pytest.approx(math.exp(entropy))


def test_effective_rank_knows_no_scale_order_or_rotation():
    x = features(50, 6) @ features(6, 6, 1)
    turned = x[torch.randperm(50)] @ torch.linalg.qr(features(6, 6, 2)).Q
    assert effective_rank(1e4 * turned) == pytest.approx(effective_rank(x), rel=1e-6)
    assert effective_rank(x.bfloat16()) == pytest.approx(effective_rank(x), rel=0.01)


def test_embedding_std_by_hand_and_at_both_ends():
    x = features(30, 8) + 1
    unit = x.numpy() / np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    assert embedding_std(x) == pytest.approx(unit.std(axis=0).mean(), rel=1e-5)
    spread = features(20_000, 64)
    assert embedding_std(spread) == pytest.approx(1 / 8, rel=0.02)
    # The length of a row does not count, so rows on one ray are collapsed.
    ray = torch.rand(30, 1, generator=torch.Generator().manual_seed(0)) * x[:1]
    assert embedding_std(ray) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("measure", [effective_rank, embedding_std])
def test_bad_features(measure):
    with pytest.raises(UserError, match=r"matrix .* not \(3,\)"):
        measure(torch.zeros(3))
    with pytest.raises(UserError, match="matrix"):
        measure(torch.zeros(0, 3))
    with pytest.raises(UserError, match="NaN"):
        measure(torch.tensor([[1.0, float("nan")]]))

"""Random parts: every row once, every class in equal share."""

import pytest
import torch

from mmtaskssl.evaluation.splits import sample_shots, stratified_folds
from mmtaskssl.utils.errors import UserError


def test_folds_partition_and_stratify():
    y = torch.tensor([0] * 10 + [1] * 5 + [2] * 3 + [3])
    folds = stratified_folds(y, 5, seed=0)
    assert len(folds) == 5
    assert torch.cat(folds).sort().values.tolist() == list(range(18))  # not class 3
    for fold in folds:
        counts = torch.bincount(y[fold], minlength=4).tolist()
        assert counts[0] == 2 and counts[1] == 1 and counts[2] <= 1
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_folds_are_a_function_of_the_seed():
    y = torch.arange(40) % 4
    a, b = stratified_folds(y, 5, 1), stratified_folds(y, 5, 1)
    assert all(torch.equal(p, q) for p, q in zip(a, b, strict=True))
    other = stratified_folds(y, 5, 2)
    assert not all(torch.equal(p, q) for p, q in zip(a, other, strict=True))


def test_few_rows():
    assert stratified_folds(torch.arange(4), 5, 0) == []
    assert len(stratified_folds(torch.tensor([0, 0, 1, 1]), 5, 0)) == 2
    multi = stratified_folds(torch.zeros(7, 3), 5, 0)
    assert torch.cat(multi).sort().values.tolist() == list(range(7))


def test_shots():
    y = torch.arange(40) % 4
    rows = sample_shots(y, 3, seed=0)
    assert torch.bincount(y[rows]).tolist() == [3] * 4
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert torch.equal(rows, sample_shots(y, 3, seed=0))
    assert not torch.equal(rows, sample_shots(y, 3, seed=1))
    assert len(sample_shots(y, 10, seed=0)) == 40
    with pytest.raises(UserError, match="class owl has only 10"):
        sample_shots(y, 11, 0, ["owl", "b", "c", "d"])
    with pytest.raises(UserError, match="at least 1"):
        sample_shots(y, 0, 0)

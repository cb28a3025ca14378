"""Figures of single images."""

import pytest
import torch

from mmtaskssl.customize.race.judge import ranking_precision
from mmtaskssl.customize.race.judged import Judged


def test_ranking_precision_by_hand():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0.5, 0.5, 0.5]])
    y = torch.tensor([[1.0, 0, 0], [0, 1.0, 1.0], [1.0, 0, 0]])
    # First; second and third of three; all tied, of which it counts as the last.
    expected = torch.tensor([1.0, (1 / 2 + 2 / 3) / 2, 1 / 3], dtype=torch.float64)
    torch.testing.assert_close(ranking_precision(scores, y), expected)


def test_nothing_to_rank_is_right():
    scores, y = torch.rand(2, 3), torch.tensor([[0.0, 0, 0], [1.0, 1, 1]])
    assert ranking_precision(scores, y).tolist() == [1, 1]


def test_folds_and_means():
    found = Judged({"knn": [100, 0, 100, 50], "linear": [0, 0, 100, 50]}, [0, 1, 0, -1])
    assert found.by_fold("knn") == [100, 0]
    assert found.mean("linear") == pytest.approx(100 / 3)
    assert found.both() == [50, 0, 100]  # the image of no fold is in none
    assert Judged.of_dict(found.to_dict()) == found

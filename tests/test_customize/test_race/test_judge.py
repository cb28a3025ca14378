"""Figures of single images."""

import pytest
import torch
from PIL import Image
from torch import nn

from mmtaskssl.customize.inspection.inspect import inspect
from mmtaskssl.customize.inspection.inspected import Split
from mmtaskssl.customize.race.judge import (
    check_broken,
    features_of,
    judge_folds,
    judge_test,
    ranking_precision,
)
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.features.rows import ALL_ZERO
from mmtaskssl.features.runner import BatchRunner
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


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
    assert found.mean("linear") == 25  # of the folds, 50 and 0
    assert found.both() == [50, 0, 100]  # the image of no fold is in none
    assert Judged.of_dict(found.to_dict()) == found


class _Dark(nn.Module):
    """Sees nothing in dark images."""

    def forward(self, images):
        return torch.relu(images.mean((2, 3)) - 0.1)


def test_an_image_that_a_network_sees_nothing_in_counts_against_it(tmp_path):
    for split, count in (("train", 6), ("test", 4)):
        for place, name in enumerate("ab"):
            (tmp_path / "target" / split / name).mkdir(parents=True)
            for number in range(count):
                # Of class b only the first image of each split is dark.
                dark = place and not number
                color = [0, 0, 0] if dark else [40 + 9 * number, 90 + 150 * place, 60]
                image = Image.new("RGB", (8, 8), tuple(color))
                image.putpixel((count, number), (number, place, 9))
                image.save(tmp_path / "target" / split / name / f"{number}.png")
    make_image_folder(tmp_path / "pool", 70, classes=())
    found = inspect(tmp_path / "pool", tmp_path / "target")
    runner = BatchRunner(_Dark(), EvalTransform(8, mean=[0] * 3, std=[255] * 3))
    features = features_of(runner, found.train, found.class_names)
    assert len(features.x) == 12 and (features.x == 0).all(1).sum() == 1
    assert len(judge_folds(runner, found).scores["knn"]) == 12
    assert len(judge_test(runner, found).scores["linear"]) == 8


def test_an_image_that_nobody_can_read_is_an_error(tmp_path):
    split = Split(str(tmp_path), ["a.png", "b.png"], [("x",), ("y",)])
    check_broken(split, {"a.png": ALL_ZERO})
    with pytest.raises(UserError, match=r"b.png has no feature \(truncated\), and 0"):
        check_broken(split, {"a.png": ALL_ZERO, "b.png": "truncated"})

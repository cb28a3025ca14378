"""Few-shot draws: mean, spread, and the same again."""

import statistics

import pytest
import torch

from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.evaluation.protocol import format_result, run_probe
from mmtaskssl.utils.errors import UserError


def features(per_class, seed, noise=1.5):
    g = torch.Generator().manual_seed(seed)
    centres = torch.randn(3, 8, generator=torch.Generator().manual_seed(9))
    y = torch.arange(3).repeat_interleave(per_class)
    x = centres[y] + noise * torch.randn(len(y), 8, generator=g)
    return LabeledFeatures(x, y, ["a", "b", "c"], ["a note"])


def knn(train, test, seed):
    return weighted_knn(train.x, train.y, test.x, 3, k=3), {"seen": seed}


def test_spread_over_draws():
    train, test = features(20, 0), features(30, 1)
    result = run_probe(knn, train, test, shots=4, seeds=5)
    values = [run["top1"] for run in result["runs"]]
    assert [run["seen"] for run in result["runs"]] == list(range(5))
    assert {run["train_images"] for run in result["runs"]} == {12}
    summary = result["metrics"]["top1"]
    assert summary["mean"] == pytest.approx(statistics.fmean(values))
    assert (
        summary["std"] == pytest.approx(statistics.stdev(values)) and summary["n"] == 5
    )
    assert summary["std"] > 0
    assert run_probe(knn, train, test, shots=4, seeds=5) == result
    text = format_result({"method": "kNN", **result})
    assert "4 shots a class" in text and "std over 5 draws" in text and "a note" in text


def test_one_run_has_no_spread():
    result = run_probe(knn, features(20, 0), features(30, 1))
    assert result["metrics"]["top1"]["std"] is None
    assert "std" not in format_result({"method": "kNN", **result})


def test_bad_input():
    train, test = features(3, 0), features(3, 1)
    with pytest.raises(UserError, match="class a has only 3"):
        run_probe(knn, train, test, shots=4)
    with pytest.raises(UserError, match="give both"):
        run_probe(knn, train, test, seeds=3)
    several = LabeledFeatures(train.x, torch.zeros(9, 3), ["a", "b", "c"])
    with pytest.raises(UserError, match="one label an image"):
        run_probe(knn, several, several, shots=1)

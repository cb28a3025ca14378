import json

import pytest
import torch
from torch import nn

from mmtaskssl.networks import Network
from mmtaskssl.networks.recalibrate import recalibrated
from studies.inner import choose
from studies.pool_study import Place
from studies.starts import StartStudy


@pytest.fixture
def study(tmp_path):
    (tmp_path / "data" / "pool" / "images").mkdir(parents=True)
    for name in "ab":
        (tmp_path / "data" / "classification" / name).mkdir(parents=True)
    rows = [f"{i:03d}.jpg,{'a' if i % 2 else 'c'}" for i in range(40)]
    sources = "\n".join(["image,source", *rows]) + "\n"
    (tmp_path / "data" / "pool" / "sources.csv").write_text(sources)
    place = Place(tmp_path / "data", tmp_path / "out", ["a", "b"], 2)
    return StartStudy(place, "w.pth", [40], ["selfres"], budget=10)


def _write(study, seed, arm, target, test, inner):
    file = study.result(seed, 40, arm, target)
    file.parent.mkdir(parents=True, exist_ok=True)
    figures = {"knn": test - 5, "linear": test}
    found = {"test": figures, "inner": {"knn": inner, "linear": inner}}
    file.write_text(json.dumps(found))


def test_the_cheapest_arm_within_a_standard_error_is_chosen():
    best = [70.0, 74.0, 78.0, 82.0, 66.0]  # mean 74, standard error 2.83
    near, far = [71.5] * 5, [71.0] * 5
    assert choose({"start": near, "end": best}) == "start"
    assert choose({"start": far, "end": best}) == "end"
    assert choose({"start": far, "half": near, "end": best}) == "half"


def test_tables_pair_seeds_and_say_what_was_chosen(study):
    for target, public in (("a", 50.0), ("b", 60.0)):
        _write(study, 0, "public", target, public, [50.0, 51, 49, 50, 50])
        for seed in range(2):
            gain = 8 + 2 * seed
            _write(study, seed, "selfres-sept", target, public + gain, [60.0] * 5)
            _write(study, seed, "selfres-random", target, public + 3, [55.0] * 5)
    study.selection("a").parent.mkdir(parents=True)
    study.selection("a").write_text("001.jpg 003.jpg 005.jpg 002.jpg")
    lines = study.tables().splitlines()
    assert "| a | 75.0 % | 50.0 % |" in lines
    start = lines.index("40 px, linear top-1 (%)")
    mean = next(line for line in lines[start:] if line.startswith("| mean"))
    assert mean.startswith("| mean | 55.0 ") and "64.0 ± 1.4" in mean
    gains = [line for line in lines[start:] if line.startswith("- ")]
    assert gains[0].startswith("- public: +9.0 ± 1.4")
    assert any("random K: +6.0 ± 1.4" in line for line in gains)
    assert "| 1 | b | selfres-sept | 70.0 | 60.0 |" in lines


def test_what_costs_no_training_counts_for_every_seed(study):
    for target in "ab":
        _write(study, 0, "public", target, 50.0, [50.0] * 5)
    assert study.figures(40, "linear").by_seed("public") == {0: 50.0, 1: 50.0}


def test_norms_take_the_mean_of_what_they_see():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()
    batches = [torch.randn(8, 3, 5, 5) + i for i in range(3)]
    network = recalibrated(Network.of(network), batches, device="cpu").backbone
    outputs = network[0](torch.cat(batches))
    mean = outputs.mean((0, 2, 3))
    assert torch.allclose(network[1].running_mean, mean, atol=1e-5)
    assert not network[1].training and network[1].momentum == 0.1


def test_random_images_are_those_of_the_seed(study):
    first, again = study.drawn(0).read_text(), study.drawn(0).read_text()
    assert first == again and len(first.split()) == 10
    assert study.drawn(1).read_text() != first

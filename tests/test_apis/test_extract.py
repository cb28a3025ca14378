"""Extraction as a value: images in, a store out, in memory or in a folder."""

import inspect
import json
import subprocess
import sys
import typing

import numpy as np
import pytest
import torch
from torch import nn

from mmtaskssl import apis
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.features.opening import Running
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder

CONFIG = """
default_scope = "mmtaskssl"
model = dict(
    type="mmselfsup.MoCo",
    backbone=dict(
        type="mmselfsup.ResNet", depth=18, stem_channels=4, base_channels=4
    ),
)
"""
FAST = {"image_size": 32, "workers": 0, "device": "cpu"}


@pytest.fixture
def images(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=4, classes=("a", "b"), size=40)
    (tmp_path / "images" / "b" / "001.png").write_bytes(b"broken")
    return tmp_path / "images"


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 5, 3))
    return FeatureExtractor(body, "tiny", "random")


def test_images_go_in_and_a_value_comes_out(images, tiny, tmp_path):
    before = {*tmp_path.rglob("*")}
    store = apis.extract(tiny, images, labels="folder", **FAST)
    assert isinstance(store, apis.MemoryStore)
    assert (len(store), store.dim, store.class_names) == (8, 5, ["a", "b"])
    assert store.root == str(images.resolve())
    assert [entry["image"] for entry in store.quarantine] == ["b/001.png"]
    assert "8 images, 5 features" in store.table()
    assert "b/001.png: unreadable" in store._repr_html_()
    assert json.loads(json.dumps(store.to_dict()))["rows"] == 8
    assert {*tmp_path.rglob("*")} == before
    page = store.report(tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and "5 features" in page


def test_a_folder_holds_what_memory_holds(images, tiny, tmp_path):
    kept = apis.extract(tiny, images, **FAST)
    written = apis.extract(tiny, images, out=tmp_path / "s", rows_per_shard=3, **FAST)
    saved = apis.FeatureStore.open(kept.save(tmp_path / "saved", rows_per_shard=3))
    for store in (written, saved):
        np.testing.assert_allclose(store.read(), kept.read(), atol=1e-3)
        assert store.image_ids == kept.image_ids
        assert store.quarantine == kept.quarantine
        store.verify()
    np.testing.assert_array_equal(saved.read(), kept.read())
    # What was saved goes on like what was extracted.
    (images / "c").mkdir()
    (images / "c" / "x.png").write_bytes((images / "a" / "000.png").read_bytes())
    grown = apis.extract(tiny, images, out=saved.path, append=True, **FAST)
    assert grown.image_ids == [*kept.image_ids, "c/x.png"]
    with pytest.raises(UserError, match="exists"):
        kept.save(saved.path)
    assert len(apis.FeatureStore.open(kept.save(saved.path, overwrite=True))) == 8


def test_paths_and_labels_of_ones_own(images, tiny, tmp_path, monkeypatch):
    paths = [images / "b" / "000.png", images / "a" / "002.png"]
    store = apis.extract(tiny, paths, labels=["x", None], **FAST)
    assert store.image_ids == ["b/000.png", "a/002.png"]
    assert store.labels.tolist() == [0, -1] and store.root == str(images)
    listed = apis.extract(tiny, ["b/000.png", "a/002.png"], root=images, **FAST)
    np.testing.assert_array_equal(listed.read(), store.read())
    monkeypatch.chdir(images)
    here = apis.extract(tiny, ["b/000.png", "a/002.png"], **FAST)
    assert here.root == str(images)
    for bad, words in (
        ([], "names no images"),
        (["nowhere.png"], "no image of the list"),
    ):
        with pytest.raises(UserError, match=words):
            apis.extract(tiny, bad, **FAST)


def test_networks_by_name(images, tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    one = apis.extract((tmp_path / "config.py", "random"), images, **FAST)
    other = apis.extract(
        (str(tmp_path / "config.py"), "random"), images, seed=1, **FAST
    )
    assert one.dim == other.dim == 32
    assert one.manifest["extractor"] != other.manifest["extractor"]
    named = apis.extract(("torchvision:resnet18", "random"), images, **FAST)
    assert named.manifest["extractor"]["name"] == "torchvision:resnet18"
    opened = apis.open_network("torchvision:resnet18", "random")
    np.testing.assert_array_equal(
        apis.extract(opened, images, **FAST).read(), named.read()
    )
    for network, words in (
        (tmp_path / "config.py", "needs weights"),
        ("nowhere.py", "does not exist"),
        (("nowhere.py", "random"), "does not exist"),
        ("timm:resnet18", "timm"),
    ):
        with pytest.raises(UserError, match=words):
            apis.extract(network, images, **FAST)


def test_a_runner_has_its_own_options(images, tiny):
    runner = apis.open_runner(tiny, **FAST)
    np.testing.assert_array_equal(
        apis.extract(runner, images).read(), apis.extract(tiny, images, **FAST).read()
    )
    for options in ({}, {"out": images / "s", "overwrite": True}):
        with pytest.raises(UserError, match="an earlier extraction"):
            apis.extract(runner, images, append=True, **options)
    with pytest.raises(UserError, match="its own device, image_size"):
        apis.extract(runner, images, image_size=32, device="cpu")
    options = [*inspect.signature(apis.open_runner).parameters][1:]
    assert options == [*typing.get_type_hints(Running)]


def test_copies_in_memory_are_those_on_disk(images, tiny, tmp_path):
    kept = apis.extract(tiny, images, leak_copies=True, **FAST)
    written = apis.extract(tiny, images, leak_copies=True, out=tmp_path / "s", **FAST)
    ours, theirs = kept.open_copies(), written.open_copies()
    assert ours.image_ids == theirs.image_ids
    np.testing.assert_allclose(ours.read(), theirs.read(), atol=1e-3)
    saved = apis.FeatureStore.open(kept.save(tmp_path / "saved"))
    np.testing.assert_array_equal(saved.open_copies().read(), ours.read())
    assert apis.extract(tiny, images, **FAST).open_copies() is None


def test_overwriting_replaces_a_store_and_nothing_else(images, tiny, tmp_path):
    apis.extract(tiny, images, out=tmp_path / "s", **FAST)
    smaller = {**FAST, "image_size": 16}
    with pytest.raises(UserError, match="another transform"):
        apis.extract(tiny, images, out=tmp_path / "s", **smaller)
    store = apis.extract(tiny, images, out=tmp_path / "s", overwrite=True, **smaller)
    assert store.manifest["transform"]["image_size"] == 16
    (tmp_path / "s" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"thesis\.txt.*no part of a feature store"):
        apis.extract(tiny, images, out=tmp_path / "s", overwrite=True, **smaller)
    assert (tmp_path / "s" / "thesis.txt").read_text() == "mine"


def test_features_of_ones_own(tmp_path):
    features = np.eye(3, 4)
    kept = apis.import_features(features, ["a", "b", "c"], labels=["x", "y", "x"])
    np.save(tmp_path / "f.npy", features)
    (tmp_path / "ids.txt").write_text("a\nb\nc\n")
    read = apis.import_features(tmp_path / "f.npy", tmp_path / "ids.txt")
    written = apis.import_features(features, ["a", "b", "c"], tmp_path / "s")
    for store in (kept, read, written):
        np.testing.assert_array_equal(store.read(), features)
    assert kept.class_names == ["x", "y"] and written.manifest["source"] == "memory"
    apis.import_features(features[:2], ["a", "b"], tmp_path / "s", overwrite=True)
    assert len(apis.FeatureStore.open(tmp_path / "s")) == 2


def test_the_parser_imports_no_torch():
    code = (
        "import sys, mmtaskssl.cli.extract_features as cli;"
        "cli.make_parser().format_help();"
        "sys.exit(any(m in sys.modules for m in ('torch', 'mmengine', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

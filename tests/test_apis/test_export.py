"""Exports and calibrations as values: in memory, without a folder, without a tool."""

import dataclasses
import json
import shutil

import pytest
import torch

from mmtaskssl import apis
from mmtaskssl.datasets.image_sample import draw_images
from mmtaskssl.runs import verify
from mmtaskssl.utils.errors import UserError

from .._images import make_image_folder
from ..test_export._files import OTHER, STOCK, write_files


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Config, checkpoint and images."""
    folder = tmp_path_factory.mktemp("export")
    config, checkpoint, _ = write_files(folder)
    make_image_folder(folder / "images", n_per_class=4, size=40)
    return config, checkpoint, folder / "images"


@pytest.fixture(scope="module")
def calibrated(job):
    return apis.calibrate(job[:2], [STOCK, OTHER], job[2], device="cpu")


@pytest.fixture(scope="module")
def exports(calibrated):
    return apis.export(calibrated.network, [STOCK, OTHER])


def test_a_calibration_lives_in_memory(job, calibrated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = apis.open_network(*job[:2], subnets=True)
    found = apis.calibrate(before, STOCK, job[2], device="cpu")
    assert not [*tmp_path.iterdir()]  # nothing was written
    assert not before.elastic.is_calibrated(STOCK)  # the network is as it was
    assert found.network.elastic.is_calibrated(STOCK)
    assert calibrated.table() == "statistics of 2 sub-nets from 8 images"
    assert "2 sub-nets" in calibrated._repr_html_()
    told = json.loads(json.dumps(calibrated.to_dict()))
    assert told["calibration"]["subnets"] == [STOCK, OTHER]
    assert len(told["source"]["checkpoint_sha256"]) == 64
    with pytest.raises(dataclasses.FrozenInstanceError):
        calibrated.images = 0


def test_images_may_be_drawn_before(job, calibrated):
    network = apis.open_network(*job[:2])
    sample = draw_images(str(job[2]), network.preprocessing)
    again = apis.calibrate(network, [STOCK, OTHER], sample, device="cpu")
    key = f"backbone.subnet_statistics.{STOCK}"
    assert torch.equal(again.network.state[key], calibrated.network.state[key])
    assert again.to_dict() == calibrated.to_dict()


def test_a_network_that_was_trained_in_this_process(job):
    opened = apis.open_network(*job[:2])
    bare = dataclasses.replace(opened, state={}, prefix="", checkpoint=None)
    found = apis.calibrate(bare, [STOCK], job[2], device="cpu")
    assert f"backbone.subnet_statistics.{STOCK}" in found.network.state
    assert "backbone.conv1.weight" in found.network.state


def test_a_calibrated_checkpoint(job, calibrated, tmp_path):
    path = calibrated.save(tmp_path / "net.pth")
    network = apis.open_network(job[0], path, subnets=True)
    assert all(map(network.elastic.is_calibrated, [STOCK, OTHER, "MAX"]))
    assert network.weights_sha256 == calibrated.network.weights_sha256
    calibrated.save(path)  # the same again
    other = apis.calibrate(job[:2], [STOCK], job[2], seed=1, device="cpu")
    assert other.to_dict() != calibrated.to_dict()
    with pytest.raises(UserError, match="is of other images"):
        other.save(path)
    other.save(path, overwrite=True)
    path.write_bytes(b"somebody's notes")
    with pytest.raises(UserError, match="is no calibrated checkpoint"):
        other.save(path, overwrite=True)
    assert path.read_bytes() == b"somebody's notes"


def test_a_source_that_was_moved_is_no_obstacle(job, tmp_path):
    source = shutil.copy(job[1], tmp_path / "net.pth")
    found = apis.calibrate((job[0], source), STOCK, job[2], device="cpu")
    path = found.save(tmp_path / "out.pth")
    (tmp_path / "net.pth").unlink()
    found.save(path)
    assert apis.open_network(job[0], path, subnets=True).elastic.is_calibrated(STOCK)


def test_a_checkpoint_of_a_training_is_never_replaced(job, calibrated):
    with pytest.raises(UserError, match="is no calibrated checkpoint"):
        calibrated.save(job[1], overwrite=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either with `images` or with `clusters`"),
        ({"images": "x", "clusters": "y"}, "either with `images` or with `clusters`"),
        ({"images": "x", "alone": True}, "`alone` says on which clusters"),
        ({"images": "x", "subnets": "MAX", "image_size": 0}, "`image_size`"),
    ],
)
def test_what_cannot_be_calibrated(job, options, words):
    with pytest.raises(UserError, match=words):
        apis.calibrate(job[:2], **{"subnets": STOCK, **options})


def test_nothing_to_calibrate(tmp_path):
    (tmp_path / "c.py").write_text(
        "model = dict(backbone=dict(type='mmtaskssl.SlimmableResNet', depth=18))"
    )
    with pytest.raises(UserError, match="no sub-net of this network needs"):
        apis.calibrate((tmp_path / "c.py", "random"), "all", "images")


def test_exports_live_in_memory(exports, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [item.name for item in exports] == [STOCK, OTHER]
    assert exports[OTHER] is exports[1] and len(exports) == 2
    assert exports.table().splitlines()[0].startswith(f"{STOCK}: ResNet-18, ")
    assert "ResNet-18" in exports._repr_html_()
    told = json.loads(json.dumps(exports.to_dict()))[STOCK]
    assert told["preprocessing"]["image_size"] == 32
    # MACs are of the image that the network was trained on.
    assert told["image_size"] == 32 and " GMAC at 32 px" in exports.table()
    assert told["macs"] == exports[STOCK].network.cost().macs
    assert told["source"]["calibration"]["subnets"] == [STOCK, OTHER]
    assert not [*tmp_path.iterdir()]


def test_an_export_is_a_network(exports, tmp_path):
    network = exports[STOCK].network
    assert network.space is None and network.cost().macs > 0
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        found = network.backbone(images)[-1]
        expected = exports[0].elastic.elastic(images, STOCK)[-1]
    torch.testing.assert_close(found, expected)
    # what is read back is the same, with the pixels that it was trained on
    again = apis.open_network(exports[STOCK].save(tmp_path / "one"))
    assert again.weights_sha256 == network.weights_sha256
    assert again.preprocessing == network.preprocessing


def test_exports_are_saved_each_in_its_folder(exports, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    exports.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"notes.txt", STOCK, OTHER}
    verify(tmp_path / STOCK)
    stamp = (tmp_path / STOCK / "weights.pth").stat().st_mtime_ns
    exports.save(tmp_path)  # the same: left as it is
    assert (tmp_path / STOCK / "weights.pth").stat().st_mtime_ns == stamp
    with pytest.raises(UserError, match=r"not made from the same inputs \(format\)"):
        exports.save(tmp_path, file_format="safetensors")
    with pytest.raises(UserError, match="format must be one of"):
        exports.save(tmp_path, overwrite=True, file_format="onnx")


def test_files_of_others_stay(exports, tmp_path):
    exports.save(tmp_path)
    (tmp_path / OTHER / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds 'notes\.txt'"):
        exports.save(tmp_path, overwrite=True)
    assert (tmp_path / OTHER / "notes.txt").read_text() == "mine"


def test_changed_facts_are_not_believed(exports, tmp_path):
    meta = exports[STOCK].save(tmp_path / "one") / "meta.json"
    text = meta.read_text()
    meta.write_text(text.replace('"image_size": ', '"image_size": 9', 1))
    assert meta.read_text() != text
    with pytest.raises(UserError, match=r"meta\.json is not what was written"):
        apis.open_network(tmp_path / "one")


def test_changed_weights_are_not_loaded(exports, tmp_path):
    folder = exports[STOCK].save(tmp_path / "one")
    weights = folder / "weights.pth"
    state = torch.load(weights, weights_only=True)
    state["conv1.weight"][0] += 1
    torch.save(state, weights)
    with pytest.raises(UserError, match=r"weights\.pth is not what was written"):
        apis.open_network(folder)


@pytest.mark.parametrize(
    ("subnets", "words"),
    [
        ("MIN", "mmtaskssl calibrate"),
        ((), "name sub-nets with `subnets`"),
        ("big", "not the name of a sub-net"),
    ],
)
def test_what_cannot_be_exported(job, subnets, words):
    with pytest.raises(UserError, match=words):
        apis.export(job[:2], subnets)


def test_the_largest_needs_no_calibration(job):
    (only,) = apis.export(job[:2], "MAX", source="ema")
    assert only.facts["source"]["encoder"] == "ema"

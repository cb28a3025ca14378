"""Extraction: the same bytes from any number of runs, ranks and workers."""

import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mmtaskssl.datasets.eval_transform import EvalTransform
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features.extract import extract_to_store
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.features.runner import BatchRunner, extract_in_memory
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder


def make_runner(batch_size=2, workers=0, body=None, size=16):
    torch.manual_seed(0)
    body = body or nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 5, 3))
    extractor = FeatureExtractor(body, "tiny", "random")
    return BatchRunner(extractor, EvalTransform(size), "cpu", batch_size, workers)


@pytest.fixture
def folder(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=5, classes=("a", "b"), size=20)
    (tmp_path / "images" / "b" / "001.png").write_bytes(b"broken")
    return tmp_path / "images"


def folder_bytes(path):
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(path.iterdir())
    }


def test_features_labels_and_quarantine(folder, tmp_path):
    root, ids = list_images(str(folder))
    runner = make_runner()
    lines = []
    labels = [i.split("/")[0] for i in ids]
    store = extract_to_store(
        runner,
        root,
        ids,
        tmp_path / "s",
        labels=labels,
        rows_per_shard=4,
        log=lines.append,
    )
    assert store.image_ids == ids and store.class_names == ["a", "b"]
    assert store.root == str(folder.resolve())
    assert [q["image"] for q in store.quarantine] == ["b/001.png"]
    assert "unreadable" in store.quarantine[0]["reason"]
    with Image.open(folder / ids[3]) as image:
        pixels = torch.tensor(EvalTransform(16).crop(np.asarray(image)))
    expected = runner.extractor(runner.transform.normalize(pixels[None]))[0]
    expected = expected / expected.norm()
    np.testing.assert_allclose(store.read([3])[0], expected, atol=1e-3)
    text = "\n".join(lines)
    assert "10 images to do" in text and "disk:" in text and "time:" in text
    assert "10/10 images" in text and "images/s, ETA 0:00:00" in text


def test_in_memory_equals_store(folder, tmp_path):
    root, ids = list_images(str(folder))
    features, broken = extract_in_memory(make_runner(), root, ids)
    store = extract_to_store(make_runner(), root, ids, tmp_path / "s")
    np.testing.assert_allclose(features, store.read(), atol=1e-3)
    assert list(broken) == store.bad_rows.tolist() == [6]


def test_workers_do_not_change_a_byte(folder, tmp_path):
    root, ids = list_images(str(folder))
    for workers in (0, 2):
        extract_to_store(
            make_runner(workers=workers),
            root,
            ids,
            tmp_path / f"s{workers}",
            rows_per_shard=3,
        )
    assert folder_bytes(tmp_path / "s0") == folder_bytes(tmp_path / "s2")


class _Counting(nn.Module):
    def __init__(self, fail_at=None):
        super().__init__()
        self.fail_at, self.seen = fail_at, 0

    def forward(self, x):
        if self.seen == self.fail_at:
            raise KeyboardInterrupt
        self.seen += len(x)
        return x.mean((2, 3))


def test_interrupted_run_continues_without_recomputing(folder, tmp_path):
    root, ids = list_images(str(folder))

    def run(out, fail_at=None):
        body = _Counting()
        runner = make_runner(body=body)
        runner.probe_dim = lambda: 3
        body.fail_at = fail_at
        return body, extract_to_store(
            runner, root, ids, tmp_path / out, rows_per_shard=4
        )

    # The time estimate runs one batch of two images twice.
    with pytest.raises(KeyboardInterrupt):
        run("a", fail_at=4 + 6)
    assert [p.name for p in (tmp_path / "a").glob("shard*")] == ["shard-00000.npy"]
    body, _ = run("a")
    assert body.seen == 4 + 6
    body, _ = run("a")
    assert body.seen == 0
    run("b")
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")


class _NoNumbers(nn.Module):
    """Makes NaN of images brighter than a level, and of `every`-th ones alone."""

    def __init__(self, every=1, level=-1e9):
        super().__init__()
        self.every, self.level = every, level

    def forward(self, x):
        out = x.mean(dim=(2, 3)) + 1000
        bad = x.mean(dim=(1, 2, 3)) > self.level
        out[(torch.arange(len(x)) % self.every == 0) & bad] = float("nan")
        return out


def test_a_network_that_makes_no_numbers_is_refused(folder, tmp_path):
    root, ids = list_images(str(folder))
    with pytest.raises(UserError, match="NaN or infinity of a black image: take"):
        extract_to_store(make_runner(body=_NoNumbers()), root, ids, tmp_path / "s")
    assert not (tmp_path / "s").exists()
    body = _NoNumbers(level=-1.9)  # of all images but a black one
    with pytest.raises(UserError, match=rf"of 2 images, the first is {ids[0]}"):
        extract_to_store(make_runner(body=body), root, ids, tmp_path / "s")
    with pytest.raises(UserError, match="NaN or infinity of 2 images"):
        extract_in_memory(make_runner(body=body), root, ids)


def test_single_nan_features_are_quarantined(folder, tmp_path):
    root, ids = list_images(str(folder))
    runner = make_runner(body=_NoNumbers(every=2, level=-1.9))
    store = extract_to_store(runner, root, ids, tmp_path / "s")
    assert store.bad_rows.tolist() == [0, 2, 4, 6, 8]
    assert "NaN or infinity" in store.table()
    features, broken = extract_in_memory(runner, root, ids)
    assert len(broken) == 5 and not features[::2].any()


def test_append_computes_only_new_images(folder, tmp_path):
    root, ids = list_images(str(folder))
    extract_to_store(make_runner(), root, ids, tmp_path / "s")
    make_image_folder(folder, n_per_class=2, classes=("c",), size=20)
    root, more = list_images(str(folder))
    with pytest.raises(UserError, match="another list of images"):
        extract_to_store(make_runner(), root, more, tmp_path / "s")
    lines = []
    store = extract_to_store(
        make_runner(), root, more, tmp_path / "s", append=True, log=lines.append
    )
    assert store.image_ids == [*ids, "c/000.png", "c/001.png"]
    assert "2 images to do" in lines[0]


def test_disk_too_small_is_said_before_the_run(folder, tmp_path, monkeypatch):
    root, ids = list_images(str(folder))
    usage = type("usage", (), {"free": 50})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"needs 100 B and its disk has 50 B"):
        extract_to_store(make_runner(), root, ids, tmp_path / "s")
    assert not list((tmp_path / "s").glob("shard*"))


def test_image_too_small_for_the_network(folder, tmp_path):
    root, ids = list_images(str(folder))
    with pytest.raises(UserError, match="cannot take images of 2 x 2"):
        extract_to_store(make_runner(size=2), root, ids, tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(UserError, match="batch size"):
        make_runner(batch_size=0)


def test_manifest_says_what_was_done(folder, tmp_path):
    root, ids = list_images(str(folder))
    extract_to_store(make_runner(), root, ids, tmp_path / "s", source="pool")
    manifest = json.loads((tmp_path / "s" / "manifest.json").read_text())
    assert manifest["status"] == "complete" and manifest["source"] == "pool"
    assert manifest["transform"]["image_size"] == 16
    assert manifest["extractor"]["name"] == "tiny"
    assert len(manifest["extractor"]["weights_sha256"]) == 64
    assert len(FeatureStore.open(tmp_path / "s")) == manifest["rows"] == 10


@pytest.mark.gpu
@pytest.mark.parametrize("amp", [False, True])
def test_cuda_gives_the_same_directions(folder, amp):
    root, ids = list_images(str(folder))
    cpu, _ = extract_in_memory(make_runner(), root, ids)
    runner = make_runner()
    runner = BatchRunner(runner.extractor, runner.transform, "cuda", 2, 0, amp)
    cuda, _ = extract_in_memory(runner, root, ids)
    good = np.abs(cpu).sum(1) > 0
    assert ((cpu * cuda).sum(1)[good] > 0.999).all()

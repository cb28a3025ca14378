"""A store's record: checksums, appending, older stores, and several writers."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from mmtaskssl.features.claims import Claims
from mmtaskssl.features.extract import extract
from mmtaskssl.features.extractor import FeatureExtractor
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.layout import shard_path
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.runs import RECORD, Record
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_features.test_store import fill, folder_bytes, make_writer


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)


@pytest.fixture
def store(tmp_path, features):
    writer = make_writer(tmp_path / "s", rows=10)
    fill(writer, features)
    writer.finish()
    return tmp_path / "s"


def test_every_file_has_a_checksum(store):
    record = Record.read(store)
    assert record.complete and record.kind == "feature store"
    assert {*record.files} == {p.name for p in store.iterdir()} - {RECORD}
    assert record.inputs["extractor"] == {"name": "e"}
    FeatureStore.open(store).verify()


def test_a_changed_byte_is_found_on_demand_and_a_cut_file_at_once(store):
    shard = store / "shard-00001.npy"
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    opened = FeatureStore.open(store)
    with pytest.raises(UserError, match=r"shard-00001.*checksum differs"):
        opened.verify()
    (store / "ids.txt").write_text("cut short\n")
    with pytest.raises(UserError, match=r"ids\.txt has 10 bytes"):
        FeatureStore.open(store)


def test_a_shard_is_compared_when_its_rows_are_read(store, features):
    """Once in a process, and again where it was changed meanwhile."""
    opened = FeatureStore.open(store)
    opened.read()
    shard = store / "shard-00001.npy"
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    os.utime(shard, ns=(0, 0))  # whatever the clock's resolution
    opened = FeatureStore.open(store)
    assert len(opened.read([0, 1]))  # of another shard
    said = r"shard-00001\.npy is not what was written \(its checksum.*delete it and run"
    for way in (opened.read, lambda: list(opened.iter_shards())):
        with pytest.raises(UserError, match=said):
            way()
    shard.unlink()
    fill(make_writer(store, rows=10), features)
    FeatureStoreWriter(store).finish()
    FeatureStore.open(store).read()


def test_features_that_are_no_numbers_are_not_read(store):
    """Of a store without a record, as version 0.1 wrote it."""
    shard = store / "shard-00001.npy"
    values = np.load(shard)
    values[2, 1] = np.inf
    np.save(shard, values)
    (store / RECORD).unlink()
    opened = FeatureStore.open(store)
    with pytest.raises(UserError, match=r"NaN or inf.* 1 of its 4 rows, the .* row 2"):
        opened.read()


def test_ids_of_a_store_without_a_record(store):
    (store / RECORD).unlink()
    FeatureStore.open(store)
    ids = (store / "ids.txt").read_text().split("\n")
    ids[0], ids[1] = ids[1], ids[0]
    (store / "ids.txt").write_text("\n".join(ids))
    with pytest.raises(UserError, match=r"ids\.txt does not name the images that mani"):
        FeatureStore.open(store)


def test_a_deleted_shard_is_made_again(store, features):
    (store / "shard-00001.npy").unlink()
    writer = make_writer(store, rows=10)
    assert writer.missing_shards() == [1]
    fill(writer, features)
    writer.finish()
    FeatureStore.open(store).verify()


def test_appending_keeps_the_old_checksums(store, features):
    old = Record.read(store).files
    shard = store / "shard-00000.npy"
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)  # damage before appending is mended, not blessed
    writer = make_writer(store, rows=12, append=True)
    assert writer.missing_shards() == [0, 3]
    fill(writer, features)
    writer.finish()
    new = Record.read(store)
    assert new.files["shard-00000.npy"] == old["shard-00000.npy"]
    assert "shard-00003.npy" in new.files
    assert (
        new.inputs["images_sha256"]
        == FeatureStore.open(store).manifest["images_sha256"]
    )
    FeatureStore.open(store).verify()


def test_an_edited_store_is_not_gone_on_with(store):
    (store / "ids.txt").write_text("notes")
    for append in (False, True):
        with pytest.raises(UserError, match=r"ids\.txt was changed.*`overwrite`"):
            make_writer(store, rows=10, append=append)
    assert (store / "ids.txt").read_text() == "notes"
    with pytest.raises(UserError, match=r"ids\.txt has 5 bytes"):
        FeatureStore.open(store)


@pytest.mark.parametrize(
    "name", ["ids.txt", "labels.npy", "quarantine.json", "manifest.json"]
)
def test_a_flipped_byte_beside_the_shards_is_found_at_once(tmp_path, features, name):
    writer = make_writer(tmp_path / "s", rows=10, labels=[*"abcdefghij"])
    features[3] = np.nan
    fill(writer, features)
    writer.finish()
    data = bytearray((tmp_path / "s" / name).read_bytes())
    data[data.index(b"shard_rows") if name == "manifest.json" else -3] ^= 1
    (tmp_path / "s" / name).write_bytes(data)
    with pytest.raises(UserError, match=rf"{name} .*checksum differs"):
        FeatureStore.open(tmp_path / "s")


def test_a_store_in_the_current_folder(tmp_path, features, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for again in range(2):
        fill(writer := make_writer(".", rows=10, overwrite=again > 0), features)
        writer.finish()
        assert len(FeatureStore.open(here)) == 10
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize("name", ["ids.txt", "quarantine.json", "shard-00001.npy"])
def test_what_a_store_lacks_is_made_again(tmp_path, features, name):
    features[5] = np.nan
    for place in ("s", "t"):
        fill(writer := make_writer(tmp_path / place, rows=10), features)
        writer.finish()
    lost = tmp_path / "s" / name
    if name.endswith(".npy"):
        lost.write_bytes(lost.read_bytes()[:-7])
    else:
        lost.unlink()
    fill(writer := make_writer(tmp_path / "s", rows=10), features)
    writer.finish()
    assert folder_bytes(tmp_path / "s") == folder_bytes(tmp_path / "t")


def test_an_append_that_was_killed_before_the_manifest_goes_on(
    store, features, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(
            "mmtaskssl.features.plan.write_plan",
            lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()),
        )
        with pytest.raises(KeyboardInterrupt):
            make_writer(store, rows=12, append=True)
    with pytest.raises(UserError, match="another list of images"):
        make_writer(store, rows=10)
    for again in ({"append": True}, {}):  # with the flag, or with the same list
        copy = store.with_name(f"copy{len(again)}")
        shutil.copytree(store, copy)
        writer = make_writer(copy, rows=12, **again)
        assert writer.missing_shards() == [3]
        fill(writer, features)
        writer.finish()
        assert len(FeatureStore.open(copy)) == 12


def test_a_store_that_grew_meanwhile_is_not_finished_as_it_was(store, features):
    mine = make_writer(store, rows=10)
    other = make_writer(store, rows=12, append=True)
    with pytest.raises(UserError, match="another process added images"):
        mine.finish()
    fill(other, features)
    other.finish()
    assert len(FeatureStore.open(store)) == 12


def test_stores_of_0_1_go_on(repo_root, tmp_path):
    old = repo_root / "tests" / "fixtures" / "v0.1" / "stores" / "pool"
    store = tmp_path / "pool"
    shutil.copytree(old, store)
    assert Record.read(store) is None
    FeatureStore.open(store).verify()
    manifest = json.loads((store / "manifest.json").read_text())
    ids = FeatureStore.open(store).image_ids
    facts = {key: manifest[key] for key in ("dim", "extractor", "transform", "root")}
    with pytest.raises(UserError, match="another list of images"):
        FeatureStoreWriter.prepare(store, ids[:-1], **facts)
    with pytest.raises(UserError, match="another image folder"):
        FeatureStoreWriter.prepare(store, ids, **{**facts, "root": "/other"})
    (store / "shard-00001.npy").unlink()
    writer = FeatureStoreWriter.prepare(store, [*ids, "new.png"], append=True, **facts)
    assert writer.missing_shards() == [1, 3]
    fill(writer, np.ones((97, manifest["dim"])))
    writer.finish()
    assert Record.read(store).complete
    assert len(FeatureStore.open(store)) == 97


def test_what_another_process_holds_is_left_to_it(tmp_path, features):
    writer = make_writer(tmp_path / "s")
    code = (
        "import sys; from mmtaskssl.runs import claimed\n"
        "with claimed(sys.argv[1]): print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(shard_path(tmp_path / "s", 1))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "held\n"
    with Claims(writer) as claims:
        assert [*claims.take([0, 1, 2])] == [0, 2]
        fill(writer, features[:10], [0, 2])
    assert make_writer(tmp_path / "s").missing_shards() == [1]
    holder.kill()
    holder.wait()
    with Claims(writer) as claims:
        claims.wait([1])
        assert [*claims.take([0, 1, 2])] == [1]
        fill(writer, features[:10])
    writer.finish()
    assert not [p.name for p in (tmp_path / "s").iterdir() if p.name.startswith(".")]


def test_two_processes_without_a_group_share_the_work(tmp_path):
    make_image_folder(tmp_path / "images", n_per_class=12, classes=("a", "b"), size=20)
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.Conv2d(6, 5, 3))
    tiny = FeatureExtractor(body, "tiny", "random")

    def run(out):
        facts = {"image_size": 16, "workers": 0, "device": "cpu", "batch_size": 2}
        extract(
            tiny, tmp_path / "images", out=tmp_path / out, rows_per_shard=2, **facts
        )

    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=run, args=("shared",)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    run("alone")
    assert folder_bytes(tmp_path / "shared") == folder_bytes(tmp_path / "alone")


def test_litter_of_a_killed_import_is_removed(tmp_path):
    (tmp_path / ".s.mmtaskssl-k3v_9qzx").mkdir()
    (tmp_path / ".s.mmtaskssl-k3v_9qzx" / "shard-00000.npy").write_bytes(b"half")
    import_features(np.eye(3), ["a", "b", "c"], tmp_path / "s")
    assert [p.name for p in tmp_path.iterdir()] == ["s"]

"""A store that is filled under an address."""

import json
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from mmtaskssl import apis
from mmtaskssl.features import fill
from mmtaskssl.features.bucket.writer import BucketWriter
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.families import (
    BadValue,
    FileDamaged,
    OptionConflict,
    OutForeign,
    OutTaken,
    SystemRefused,
    Unfinished,
)
from mmtaskssl.utils.remote import writing
from tests.test_features.test_bucket._world import STORE, bytes_at, extract, same
from tests.test_features.test_extract import make_runner


def test_the_bytes_are_those_of_a_folder(images, whole, tmp_path):
    lines = []
    store = extract(images, STORE, log=lines.append)
    assert bytes_at(STORE) == whole
    same(store, FeatureStore.open(tmp_path / "whole"))
    assert "16/16 images" in lines[-1]
    # What is complete is opened, and nothing is computed.
    again = []
    extract(images, STORE, log=again.append)
    assert "4 of 4 shards are done" in again[0] and bytes_at(STORE) == whole


def stop(*_):
    raise KeyboardInterrupt


def begin(images, monkeypatch, done=0, **more):
    """Begins a store, and ends after some shards."""
    write = fill._write

    def some(writer, claims, index, *rest):
        if index >= done:
            raise KeyboardInterrupt
        write(writer, claims, index, *rest)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fill, "_write", some)
        extract(images, STORE, **more)


def test_what_was_interrupted_goes_on(images, whole, monkeypatch):
    begin(images, monkeypatch, done=2)
    with pytest.raises(Unfinished, match="run the same extraction again"):
        FeatureStore.open(STORE)
    asked = []
    extract(images, STORE, log=asked.append)
    assert "2 of 4 shards are done" in asked[0] and bytes_at(STORE) == whole


def test_many_make_each_shard_once(images, whole, monkeypatch):
    written, write = [], BucketWriter.write_unit_shard

    def noted(writer, index, *rest):
        written.append(index)
        write(writer, index, *rest)

    monkeypatch.setattr(BucketWriter, "write_unit_shard", noted)
    runners = [make_runner() for _ in range(4)]  # whose seed is that of all threads
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda one: extract(images, STORE, one), runners):
            pass
    assert sorted(written) == [0, 1, 2, 3] and bytes_at(STORE) == whole


def test_two_that_plan_other_work_do_not_mix(images, whole, monkeypatch):
    begin(images, monkeypatch)
    root, ids = images
    with pytest.raises(OutTaken, match="another list of images"):
        extract((root, ids[1:]), STORE)
    with pytest.raises(OutTaken, match="other labels"):
        extract(images, STORE, labels=None)
    with pytest.raises(OutTaken, match="other labels"):
        extract(images, STORE, labels=["x" for _ in ids])
    extract(images, STORE)
    assert bytes_at(STORE) == whole
    # Shards of another size are those that were planned first.
    extract(images, STORE, rows_per_shard=3)
    assert bytes_at(STORE) == whole


def test_a_plan_that_was_killed_is_made_whole(images, whole, monkeypatch):
    create = writing.create

    def killed(path, content):
        if str(path).endswith("ids.txt"):
            raise KeyboardInterrupt
        return create(path, content)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(writing, "create", killed)
        extract(images, STORE)
    assert [*bytes_at(STORE)] == ["record.json"]
    extract(images, STORE)
    assert bytes_at(STORE) == whole


def test_what_is_not_ours_is_not_touched(images):
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/store/mine.txt", b"mine")
    with pytest.raises(OutForeign, match=r"holds 'mine.txt'"):
        extract(images, STORE)
    assert [*bytes_at(STORE)] == ["mine.txt"]
    other = json.dumps(
        {"record": 1, "kind": "selection", "version": 1, "inputs": {}, "files": {}}
        | {"complete": True, "mmtaskssl": "1", "begun": []}
    )
    system.pipe("/bucket/store/record.json", other.encode())
    with pytest.raises(OutForeign, match="holds a selection"):
        extract(images, STORE)
    system.pipe("/bucket/store/record.json", b"{")
    with pytest.raises(SystemRefused, match=r"memory://bucket/store/record.json"):
        extract(images, STORE)


def test_a_shard_that_was_cut_is_told_before_the_store_is_complete(images, monkeypatch):
    begin(images, monkeypatch, done=4 - 1)
    fsspec.filesystem("memory").pipe("/bucket/store/shard-00001.npy", b"cut")
    with pytest.raises(FileDamaged, match=r"shard-00001.npy is not what was written"):
        extract(images, STORE)


def test_who_finishes_second_changes_nothing(images, whole, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(BucketWriter, "finish", stop)
        with pytest.raises(KeyboardInterrupt):
            extract(images, STORE)
    late, read = BucketWriter(STORE, tmp_path / "late"), BucketWriter._read_parts

    def overtaken(writer):
        monkeypatch.setattr(BucketWriter, "_read_parts", read)
        BucketWriter(STORE, tmp_path / "early").finish()
        return read(writer)

    monkeypatch.setattr(BucketWriter, "_read_parts", overtaken)
    late.finish()
    assert bytes_at(STORE) == whole
    assert late.missing_shards() == []


def test_what_only_a_folder_can_be_asked(images):
    network = ("torchvision:resnet18", "random")
    with pytest.raises(OptionConflict, match="leave out `engine`"):
        apis.extract(network, images[0], out=STORE, engine="ray")


def test_places_that_cannot_be_shared(images, monkeypatch):
    with pytest.raises(SystemRefused, match="sftp:// has no way"):
        monkeypatch.setattr(writing, "system_of", lambda full: (None, full))
        writing.check_exclusive("sftp://host/store")
    monkeypatch.undo()

    def careless(self, path, value, mode="overwrite", **_):
        self.open(path, mode="wb", data=value)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", careless)
    with pytest.raises(SystemRefused, match="If-None-Match"):
        extract(images, STORE)
    assert bytes_at(STORE) == {}

    def old(self, path, value):
        self.open(path, mode="wb", data=value)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", old)
    with pytest.raises(SystemRefused, match="version of fsspec: update it"):
        extract(images, STORE)


def test_other_results_are_not_written_to_addresses(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "x.npy", np.eye(4, dtype=np.float32))
    ids = ["a", "b", "c", "d"]
    store = apis.import_features(tmp_path / "x.npy", ids)
    for write in (
        lambda: apis.import_features(tmp_path / "x.npy", ids, out="s3://b/store"),
        lambda: apis.select(store, store, 2).save("s3://b/selection"),
        lambda: store.save("memory://b/store"),
        lambda: store.to_parquet("s3://b/x.parquet"),
    ):
        with pytest.raises(BadValue, match="is an address, where nothing but"):
            write()
    assert not {"s3:", "memory:"} & {path.name for path in tmp_path.iterdir()}

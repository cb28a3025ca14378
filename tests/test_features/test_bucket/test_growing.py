"""Images that are added to a store under an address."""

from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pytest
from torch import nn

from mmtaskssl import apis
from mmtaskssl.features import fill
from mmtaskssl.features.bucket import growing
from mmtaskssl.features.bucket.writer import BucketWriter
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.families import OutTaken, Unfinished
from mmtaskssl.utils.remote import writing
from tests.test_features.test_bucket._world import (
    STORE,
    bytes_at,
    extract,
    local_bytes,
    same,
)
from tests.test_features.test_extract import folder_bytes, make_runner


@pytest.fixture
def few(images):
    root, ids = images
    return root, [*ids[:4], *ids[9:11]]  # of which one is broken


@pytest.fixture
def grown(few, images, tmp_path):
    """Bytes of the store of a few in a folder, to which all were added."""
    local_bytes(few, tmp_path / "grown")
    extract(images, tmp_path / "grown", append=True)
    return folder_bytes(tmp_path / "grown")


def test_it_is_the_store_that_a_folder_has(few, images, grown, tmp_path):
    before = extract(few, STORE)
    lines = []
    after = extract(images, STORE, append=True, log=lines.append)
    assert "2 of 5 shards are done, 10 images to do" in lines[0]
    assert bytes_at(STORE) == grown
    same(after, FeatureStore.open(tmp_path / "grown"))
    assert len(before) == 6 and len(before.read()) == 6  # opened before it grew
    extract(images, STORE, append=True)
    extract(few, STORE, append=True)
    assert bytes_at(STORE) == grown  # nothing is new


def interrupted(images, monkeypatch, done=0):
    """Adds some shards, and ends."""
    write, left = fill._write, [done]

    def some(*rest):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        write(*rest)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fill, "_write", some)
        extract(images, STORE, append=True)


def test_until_all_is_there_the_store_is_what_it_was(few, images, grown, monkeypatch):
    before = extract(few, STORE)
    interrupted(images, monkeypatch, done=2)
    now = FeatureStore.open(STORE)
    now.verify()
    same(now, before)
    extract(few, STORE)  # and is complete to who asks for what it has
    root, ids = images
    with pytest.raises(Unfinished, match="other images are being added"):
        extract((root, [*ids, "new.png"]), STORE, append=True, labels=None)
    lines = []
    extract(images, STORE, append=True, log=lines.append)
    assert "4 of 5 shards are done" in lines[0] and bytes_at(STORE) == grown


@pytest.mark.parametrize("last", range(1, 7))
def test_a_kill_at_the_end_is_made_good(few, images, grown, last, monkeypatch):
    extract(few, STORE)
    put, left = writing.put, [last]

    def some(path, content):
        if "/." not in path and "/shard-" not in path:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
        put(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(writing, "put", some)
        try:
            extract(images, STORE, append=True)
        except KeyboardInterrupt:
            assert left == [0]
    if 1 < last < 6:
        with pytest.raises(
            Unfinished, match="run the same command again, with `append`"
        ):
            FeatureStore.open(STORE)
    else:
        FeatureStore.open(STORE).verify()
    extract(images, STORE, append=True)
    assert bytes_at(STORE) == grown


def test_who_was_killed_while_sweeping_is_made_good(few, images, grown, monkeypatch):
    extract(few, STORE)
    with monkeypatch.context() as patched:
        patched.setattr("mmtaskssl.features.bucket.writer.sweep", lambda *_: None)
        extract(images, STORE, append=True)
    assert len(FeatureStore.open(STORE)) == 16
    extract(images, STORE, append=True)
    assert bytes_at(STORE) == grown


def test_many_add_each_shard_once(few, images, grown, monkeypatch):
    extract(few, STORE)
    written, write = [], BucketWriter.write_unit_shard

    def noted(writer, index, *rest):
        written.append(index)
        write(writer, index, *rest)

    monkeypatch.setattr(BucketWriter, "write_unit_shard", noted)
    runners = [make_runner() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(
            lambda one: extract(images, STORE, one, append=True), runners
        ):
            pass
    assert sorted(written) == [2, 3, 4] and bytes_at(STORE) == grown


def test_who_finishes_second_changes_nothing(few, images, grown, tmp_path, monkeypatch):
    extract(few, STORE)
    interrupted(images, monkeypatch)
    late = BucketWriter(STORE, tmp_path / "late", growing=True)
    extract(images, STORE, append=True)
    assert late.missing_shards() == []
    late.finish()
    assert bytes_at(STORE) == grown


def test_what_others_added_meanwhile_is_added_to(few, images, monkeypatch):
    root, ids = images
    extract(few, STORE)
    planned = growing._planned_in

    def overtaken(*rest):
        monkeypatch.setattr(growing, "_planned_in", planned)
        found = planned(*rest)
        extract((root, ids[:8]), STORE, append=True)
        return found

    monkeypatch.setattr(growing, "_planned_in", overtaken)
    store = extract((root, [*ids[8:], "new.png"]), STORE, append=True)
    assert {*store.image_ids} == {*ids, "new.png"} and len(store) == 17
    store.verify()
    assert not [name for name in bytes_at(STORE) if name.startswith(".")]


def test_what_was_removed_comes_back(images, whole, tmp_path):
    local = FeatureStore.open(tmp_path / "whole")
    apis.remove_images(local, local.image_ids[:3])
    fsspec.filesystem("memory").put(str(local.path), "/bucket/store", recursive=True)
    root, ids = images
    after = extract(
        (root, [local.image_ids[1], *ids[5:]]), STORE, append=True, labels=None
    )
    assert after.removed_rows.tolist() == [0, 2] and len(after) == 16
    after.verify()
    np.testing.assert_array_equal(after.read(), local.read())


def test_only_its_like_is_added(few, images):
    extract(few, STORE)
    before = bytes_at(STORE)
    with pytest.raises(OutTaken, match="another image folder"):
        extract((images[0].parent, images[1]), STORE, append=True)
    with pytest.raises(OutTaken, match="another extractor"):
        extract(images, STORE, make_runner(body=nn.Conv2d(3, 5, 3)), append=True)
    assert bytes_at(STORE) == before


def test_copies_lie_beside_it_and_grow_with_it(images, tmp_path):
    folder = images[0]
    some = tmp_path / "some.txt"
    some.write_text("\n".join(images[1][:3]))
    for out in (STORE, tmp_path / "store"):
        apis.extract(make_runner(), some, root=folder, out=out, leak_copies=True)
        apis.extract(make_runner(), folder, out=out, append=True, leak_copies=True)
    far, near = FeatureStore.open(STORE), FeatureStore.open(tmp_path / "store")
    assert far.open_copies().image_ids == near.open_copies().image_ids
    np.testing.assert_array_equal(far.open_copies().read(), near.open_copies().read())
    for inner in ("", "copies"):
        place = tmp_path / "store" / inner
        there = {p.name: p.read_bytes() for p in place.iterdir() if p.is_file()}
        system = fsspec.filesystem("memory")
        found = system.find(f"/bucket/store/{inner}", maxdepth=1)
        assert {p.rpartition("/")[2]: system.cat(p) for p in found} == there

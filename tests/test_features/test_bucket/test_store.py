"""A store under an address, opened by a copy in the cache."""

import os
import pickle

import fsspec
import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.cli import dry_run, extract_features, select_data
from mmtaskssl.features.fill import opened_writer
from mmtaskssl.features.fingerprint import shard_digests
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.selection.duplicates.pool import Pool
from mmtaskssl.utils import kept
from mmtaskssl.utils.families import (
    BadValue,
    FileDamaged,
    FileMissing,
    NotAResult,
    SystemRefused,
)
from mmtaskssl.utils.remote import files
from tests._served import served
from tests.test_features.test_bucket._world import STORE, extract, same


@pytest.fixture
def local(images, whole, tmp_path):
    """The store in a folder, and a copy of it at `STORE`."""
    system = fsspec.filesystem("memory")
    system.put(str(tmp_path / "whole"), "/bucket/store", recursive=True)
    return FeatureStore.open(tmp_path / "whole")


def test_it_is_the_same_store_and_mapped_from_the_cache(local):
    store = FeatureStore.open(f"{STORE}/")
    same(store, local)
    assert str(store.path) == "memory:/bucket/store" and STORE in store.table()
    assert STORE in repr(store) and store.to_dict()["store"] == STORE
    assert shard_digests(store) == shard_digests(local)
    ((_, shard),) = [*store.iter_shards()][:1]
    assert isinstance(shard, np.memmap)
    store.verify()
    assert FeatureStore.is_complete(STORE) and store.open_copies() is None


def test_what_is_in_the_cache_is_not_fetched_again(local, monkeypatch):
    FeatureStore.open(STORE).read()
    read, asked = files.read, []

    def noted(path, *part):
        asked.append(path.rpartition("/")[2])
        return read(path, *part)

    monkeypatch.setattr(files, "read", noted)
    FeatureStore.open(STORE).read()
    assert {*asked} == {"record.json"}


def test_a_store_that_is_replaced_is_another_one(local, images):
    before = FeatureStore.open(STORE)
    before.read()
    fsspec.filesystem("memory").rm("/bucket/store", recursive=True)
    root, ids = images
    extract((root, ids[:6]), STORE)
    assert len(FeatureStore.open(STORE)) == 6
    assert len(before) == 16 and len(before.read()) == 16


def test_a_cache_that_gave_its_room_away_is_filled_again(local):
    store = FeatureStore.open(STORE)
    store.read()
    for path in kept.folder().iterdir():
        path.unlink()
    np.testing.assert_array_equal(store.read(), local.read())


def test_a_store_may_be_larger_than_the_cache(local, monkeypatch):
    size = max(path.stat().st_size for path in local.path.glob("shard-*"))
    monkeypatch.setenv(kept.LIMIT, str(1.5 * size / 1e9))
    store = FeatureStore.open(STORE)
    np.testing.assert_array_equal(store.read(), local.read())
    assert len([path for path in kept.folder().iterdir() if not path.suffix]) == 1
    store.verify()


def test_copies_of_stores_go_but_not_those_in_use(local, images, monkeypatch):
    root, ids = images
    addresses = [f"memory://bucket/more-{n}" for n in range(3)]
    for n, address in enumerate(addresses):
        extract((root, ids[: 4 + n]), address)  # which opens it, and lets go of it
    places = {*kept.folders().iterdir()}
    assert len(places) == 3
    used = FeatureStore.open(addresses[0])
    monkeypatch.setenv(kept.LIMIT, "0")
    FeatureStore.open(STORE)
    left = {*kept.folders().iterdir()}
    assert left & places == {used.folder.parent} and used.labels.shape == (4,)
    other = pickle.loads(pickle.dumps(used))
    del used
    FeatureStore.open(addresses[1])
    assert other.folder.is_dir()
    place = other.folder.parent
    del other
    FeatureStore.open(addresses[2])
    assert not place.exists()


def test_a_cache_that_is_too_small_is_told(local, monkeypatch):
    monkeypatch.setenv(kept.LIMIT, "0.0000001")
    store = FeatureStore.open(STORE)
    with pytest.raises(SystemRefused, match=f"no room for them: raise {kept.LIMIT}"):
        store.read()


def test_a_store_is_opened_without_its_shards(local, monkeypatch):
    read, asked = files.read, []
    monkeypatch.setattr(
        files, "read", lambda path, *part: asked.append(path) or read(path, *part)
    )
    store = FeatureStore.open(STORE)
    assert store.labels is not None and store.image_ids and store.bad_rows.size
    assert not any("shard-" in path for path in asked)


def test_what_is_damaged_absent_or_no_store(local):
    system = fsspec.filesystem("memory")
    whole = system.cat("/bucket/store/shard-00001.npy")
    system.pipe("/bucket/store/shard-00001.npy", whole[:-1] + b"x")
    for look in ("read", "verify"):
        with pytest.raises(FileDamaged, match=r"store/shard-00001.npy is not what"):
            getattr(FeatureStore.open(STORE), look)()
    system.rm("/bucket/store/shard-00001.npy")
    with pytest.raises(FileDamaged, match=r"lacks shard-00001.npy"):
        FeatureStore.open(STORE)
    with pytest.raises(FileMissing, match="store memory://bucket/none does not exist"):
        FeatureStore.open("memory://bucket/none")
    system.pipe("/bucket/other/a.txt", b"a")
    with pytest.raises(NotAResult, match=r"no record.json"):
        FeatureStore.open("memory://bucket/other")


def test_nothing_is_removed_from_it(local):
    for store in (STORE, FeatureStore.open(STORE)):
        with pytest.raises(BadValue, match="stays as it is"):
            apis.remove_images(store, local.image_ids[:1])
    saved = FeatureStore.open(FeatureStore.open(STORE).save(local.path.parent / "s"))
    assert len(apis.remove_images(saved.path, local.image_ids[:1])) == 16
    assert len(saved.removed_rows) == 0 == len(FeatureStore.open(STORE).removed_rows)


def test_a_web_server_may_have_it_too(local, monkeypatch):
    with served(local.path.parent) as web:
        store = FeatureStore.open(f"{web.url}/whole")
        same(store, local)
        web.query = "sig=1"
        signed = f"{web.url}/whole?sig=1"
        same(FeatureStore.open(signed), local)
        assert "sig" not in str(FeatureStore.open(signed).path)


def test_verbs_take_it_for_the_folder(local, tmp_path):
    argv = ["--pool", STORE, "--target", STORE, "--budget", "4", "--no-report"]
    select_data.main([*argv, "--out", str(tmp_path / "selected")])
    far = apis.Selected.open(tmp_path / "selected")
    near = apis.select(local, local, 4)
    assert far.image_ids == near.image_ids and far.root == near.root
    assert (
        apis.cluster(STORE, "2").sizes.tolist()
        == apis.cluster(local, "2").sizes.tolist()
    )
    assert Pool.open(STORE, None).store.image_ids == local.image_ids
    assert len(dry_run.open_store(STORE, "--pool")) == 16


def test_the_tool_extracts_to_an_address(images, capsys, tmp_path):
    argv = ["--model", "torchvision:resnet18", "--weights", "random", "--device", "cpu"]
    argv += ["--image-size", 16, "--workers", 0, "--images", images[0], "--out", STORE]
    argv = [*map(str, argv), "--rows-per-shard", "8"]
    extract_features.main([*argv, "--to-parquet", str(tmp_path / "x.parquet")])
    said = capsys.readouterr().out
    assert f"{STORE}: 16 images" in said and (tmp_path / "x.parquet").is_file()
    assert f"{STORE}/quarantine.json" in said
    with opened_writer(STORE) as writer:  # as a plan looks at it
        assert writer.missing_shards() == []
    assert not os.path.exists("memory:")

"""A store under an address that is replaced."""

import fsspec
import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.features.bucket.claims import BucketClaims
from mmtaskssl.features.bucket.writer import BucketWriter
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.utils.families import FileDamaged, OutForeign, OutTaken, Unfinished
from mmtaskssl.utils.remote import writing
from tests.test_features.test_bucket._world import STORE, bytes_at, extract
from tests.test_features.test_bucket.test_claims import Place
from tests.test_features.test_bucket.test_growing import interrupted
from tests.test_features.test_bucket.test_writer import begin
from tests.test_features.test_extract import make_runner


@pytest.fixture
def few(images):
    root, ids = images
    return root, ids[:6]


def test_another_one_stands_there_then(images, whole, few):
    extract(few, STORE)
    with pytest.raises(OutTaken, match="or replace it with `overwrite`"):
        extract(images, STORE)
    extract(images, STORE, overwrite=True)
    assert bytes_at(STORE) == whole


def test_with_all_that_was_begun_of_it(images, whole, few, monkeypatch):
    apis.extract(make_runner(), few[0], out=STORE, leak_copies=True)
    assert FeatureStore.open(STORE).open_copies() is not None
    extract(few, STORE, overwrite=True)
    assert FeatureStore.open(STORE).open_copies() is None
    interrupted(images, monkeypatch, done=1)  # which adds to it
    extract(images, STORE, overwrite=True)
    assert bytes_at(STORE) == whole


def test_what_was_begun_anew_goes_on(images, whole, few, monkeypatch):
    extract(few, STORE)
    begin(images, monkeypatch, done=2, overwrite=True)
    with pytest.raises(Unfinished):
        FeatureStore.open(STORE)
    lines = []
    extract(images, STORE, overwrite=True, log=lines.append)
    assert "2 of 4 shards are done" in lines[0] and bytes_at(STORE) == whole


@pytest.mark.parametrize("last", [1, 2, 4, 7])
def test_who_is_killed_while_removing_leaves_what_can_be_removed(
    images, whole, few, last, monkeypatch
):
    extract(few, STORE)
    remove, left = writing.remove, [last]

    def some(path):
        if ".replacing" not in path and ".trial" not in path:
            left[0] -= 1
            if left[0] <= 0:
                raise KeyboardInterrupt
        remove(path)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(writing, "remove", some)
        extract(images, STORE, overwrite=True)
    with pytest.raises(Unfinished):
        FeatureStore.open(STORE)
    extract(images, STORE, overwrite=True)
    assert bytes_at(STORE) == whole


def test_not_while_others_fill_it(images, few, monkeypatch):
    begin(images, monkeypatch, done=1)
    place = Place()
    with BucketClaims(place, lease=0.3) as others:
        assert [*others.take([2])] == [2]
        with pytest.raises(OutTaken, match="being filled by others"):
            extract(few, STORE, overwrite=True)
    extract(few, STORE, overwrite=True)
    assert len(FeatureStore.open(STORE)) == 6


def test_nothing_of_others_is_removed(images, few):
    extract(few, STORE)
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/store/notes.txt", b"mine")
    before = bytes_at(STORE)
    with pytest.raises(OutForeign, match=r"'notes.txt'.*not replaced"):
        extract(images, STORE, overwrite=True)
    assert bytes_at(STORE) == before
    system.pipe("/bucket/other/notes.txt", b"mine")
    with pytest.raises(OutForeign, match=r"'notes.txt'"):
        extract(images, "memory://bucket/other", overwrite=True)


def test_who_filled_what_was_replaced_says_so(images, few, tmp_path, monkeypatch):
    begin(images, monkeypatch, done=1)
    late = BucketWriter(STORE, tmp_path / "late")
    begin(few, monkeypatch, overwrite=True)
    units = np.zeros((4, 5), np.float16)
    with pytest.raises(FileDamaged, match="was replaced while it was filled"):
        late.write_unit_shard(0, units, {})
        extract(few, STORE)

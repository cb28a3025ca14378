"""Images leave a store, and come back; its shards stay as they are."""

import json

import numpy as np
import pytest

from mmtaskssl.apis import remove_images
from mmtaskssl.datasets.images import list_images
from mmtaskssl.features import layout
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.runs import Record
from mmtaskssl.utils.errors import UserError


def fill(path, ids, features, **kwargs):
    writer = FeatureStoreWriter.prepare(
        path, ids, dim=4, extractor={"name": "e"}, rows_per_shard=4, **kwargs
    )
    place = {image: i for i, image in enumerate(ids)}
    for index in writer.missing_shards():
        rows = [place[i] for i in writer.image_ids[slice(*writer.shard_range(index))]]
        writer.write_shard(index, features[rows])
    writer.finish()
    return FeatureStore.open(path)


IDS = [f"{i}.jpg" for i in range(10)]


@pytest.fixture
def features():
    return np.random.default_rng(0).standard_normal((12, 4)).astype(np.float32)


@pytest.fixture
def store(tmp_path, features):
    return fill(tmp_path / "s", IDS, features, labels=list("abcdefghij"))


def shards(path):
    return {p.name: p.read_bytes() for p in sorted(path.glob("shard-*.npy"))}


def test_removed_images_are_used_by_nobody(store, tmp_path):
    before = shards(store.path)
    (tmp_path / "gone.txt").write_text("3.jpg\n7.jpg\n")
    found = remove_images(store.path, tmp_path / "gone.txt")
    assert found.removed_rows.tolist() == [3, 7] == found.bad_rows.tolist()
    assert (len(found), found.present) == (10, 8)
    assert "8 images" in found.table() and "2 others were removed" in found.table()
    assert shards(store.path) == before
    found.verify()
    assert list_images(found, root=tmp_path)[1] == [i for i in IDS if i[0] not in "37"]
    again = remove_images(found, ["4.jpg", "3.jpg"])
    assert again.removed_rows.tolist() == [3, 4, 7]
    assert again.manifest["removed"] == [[3, 2], [7, 1]]


def test_the_format_grows_only_where_something_was_removed(store):
    def versions():
        found = json.loads((store.path / "manifest.json").read_text())
        return found["format"], Record.read(store.path).version

    assert versions() == (1, 1)
    remove_images(store, ["0.jpg"])
    assert versions() == (2, 2)


def test_append_takes_back_what_is_listed_again(store, features):
    remove_images(store, ["3.jpg", "7.jpg", "8.jpg"])
    before = shards(store.path)
    ids = ["7.jpg", "new.jpg", "3.jpg"]
    found = fill(store.path, ids, features[[7, 10, 3]], append=True)
    assert found.image_ids == [*IDS, "new.jpg"]
    assert found.removed_rows.tolist() == [8] and found.present == 10
    assert before.items() <= shards(store.path).items()
    found.verify()
    # A run for what the store was made of finds it done, and takes nothing back.
    writer = FeatureStoreWriter.prepare(
        *(store.path, [*IDS, "new.jpg"]), dim=4, extractor={"name": "e"}
    )
    assert not writer.missing_shards()
    assert FeatureStore.open(store.path).removed_rows.tolist() == [8]


def test_nothing_but_taking_back_is_finished(store, features):
    remove_images(store, ["3.jpg"])
    found = fill(store.path, ["3.jpg"], features[[3]], append=True)
    assert found.present == 10
    found.verify()


def test_a_saved_store_is_without_them(store, tmp_path, features):
    found = remove_images(store, ["0.jpg", "5.jpg"])
    saved = FeatureStore.open(found.save(tmp_path / "small", rows_per_shard=3))
    kept = [i for i in range(10) if i not in (0, 5)]
    assert saved.image_ids == [IDS[i] for i in kept]
    np.testing.assert_array_equal(saved.read(), found.read(kept))
    names = [saved.class_names[i] for i in saved.labels]
    assert names == ["abcdefghij"[i] for i in kept]
    assert saved.manifest["format"] == 1 and "removed" not in saved.manifest


def test_a_kill_leaves_what_was_or_what_is_to_be(store, monkeypatch):
    for step in range(3):
        calls = []

        def killed(self, folder, step=step, calls=calls, write=Record.write):
            calls.append(1)
            if len(calls) == step:
                raise KeyboardInterrupt
            write(self, folder)

        before = FeatureStore.open(store.path).present
        with monkeypatch.context() as patch:
            patch.setattr(Record, "write", killed)
            if step:
                with pytest.raises(KeyboardInterrupt):
                    remove_images(store.path, [f"{step}.jpg"])
            else:
                remove_images(store.path, ["0.jpg"])
        assert FeatureStore.open(store.path).present in (before, before - 1)
        found = remove_images(store.path, [f"{step}.jpg"])
        assert found.present == 9 - step
        found.verify()


def test_refusals(store, tmp_path):
    with pytest.raises(UserError, match=r"has no image 'x' \(2 of the 3"):
        remove_images(store, ["1.jpg", "x", "y"])
    with pytest.raises(UserError, match="nothing would be left"):
        remove_images(store, IDS)
    with pytest.raises(UserError, match="feature store on disk"):
        remove_images(MemoryStore(np.eye(2), ["a", "b"]), ["a"])
    with pytest.raises(UserError, match="does not exist"):
        remove_images(tmp_path / "none", ["a"])
    assert FeatureStore.open(store.path).present == 10
    manifest = json.loads((store.path / layout.MANIFEST).read_text())
    (store.path / "record.json").unlink()
    for runs in ([[8, 3]], [[3, 0]], [[4, 1], [2, 1]], [["a", 1]], {"a": 1}):
        changed = json.dumps({**manifest, "format": 2, "removed": runs})
        (store.path / layout.MANIFEST).write_text(changed)
        with pytest.raises(UserError, match="its removed rows are no rows"):
            FeatureStore.open(store.path)

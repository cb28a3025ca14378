"""Feature stores: what is written is what is read, and nothing else is accepted."""

import errno
import hashlib
import json

import numpy as np
import pytest

from mmtaskssl.features import layout
from mmtaskssl.features.importing import import_features
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.utils import atomic
from mmtaskssl.utils.errors import UserError


def make_writer(path, rows=10, dim=3, **kwargs):
    kwargs.setdefault("rows_per_shard", 4)
    kwargs.setdefault("extractor", {"name": "e"})
    ids = kwargs.pop("ids", [f"{i}.jpg" for i in range(rows)])
    return FeatureStoreWriter.prepare(path, ids, dim=dim, **kwargs)


def fill(writer, features, shards=None):
    for index in writer.missing_shards() if shards is None else shards:
        start, stop = writer.shard_range(index)
        writer.write_shard(index, features[start:stop])


def folder_bytes(path):
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(path.iterdir())
    }


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)


def test_round_trip(tmp_path, features):
    labels = ["b", None, "a"] + ["b"] * 7
    writer = make_writer(tmp_path / "s", root="/images", labels=labels)
    assert writer.missing_shards() == [0, 1, 2]
    fill(writer, features)
    writer.finish()
    store = FeatureStore.open(tmp_path / "s")
    expected = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert (len(store), store.dim, store.root) == (10, 3, "/images")
    assert store.image_ids == [f"{i}.jpg" for i in range(10)]
    assert store.class_names == ["a", "b"]
    assert store.labels.tolist() == [1, -1, 0] + [1] * 7
    np.testing.assert_allclose(store.read(), expected, atol=5e-4)
    assert store.read([9, 0, 9, 4]).dtype == np.float32
    np.testing.assert_array_equal(store.read([9, 0, 9, 4]), store.read()[[9, 0, 9, 4]])
    assert store.read([]).shape == (0, 3)
    shards = list(store.iter_shards())
    assert [start for start, _ in shards] == [0, 4, 8]
    assert all(isinstance(s, np.memmap) and s.dtype == np.float16 for _, s in shards)
    np.testing.assert_array_equal(np.concatenate([s for _, s in shards]), store.read())
    with pytest.raises(IndexError):
        store.read([10])
    with pytest.raises(IndexError):
        store.read([-1])


def test_bad_rows_are_quarantined_with_reasons(tmp_path, features):
    features[1] = np.nan
    features[5, 2] = np.inf
    features[9] = 0
    features[2] = 3e38  # finite, though its float32 norm is not
    writer = make_writer(tmp_path / "s")
    writer.write_shard(0, features[:4], {3: "cannot read image"})
    fill(writer, features)
    writer.finish()
    store = FeatureStore.open(tmp_path / "s")
    assert store.bad_rows.tolist() == [1, 3, 5, 9]
    assert store.bad_rows.dtype == np.int64
    reasons = {entry["image"]: entry["reason"] for entry in store.quarantine}
    assert "NaN" in reasons["1.jpg"] and "NaN" in reasons["5.jpg"]
    assert reasons["3.jpg"] == "cannot read image" and "zeros" in reasons["9.jpg"]
    assert not store.read(store.bad_rows).any()
    np.testing.assert_allclose(store.read([2]), np.full((1, 3), 3**-0.5), atol=1e-3)
    assert not list((tmp_path / "s").glob("*.bad.json"))


def test_order_and_interruption_leave_no_trace(tmp_path, features):
    features[6] = np.nan
    straight = make_writer(tmp_path / "a")
    fill(straight, features)
    straight.finish()
    begun = make_writer(tmp_path / "b")
    fill(begun, features, [1])
    (tmp_path / "b" / ".shard-00002.npy.mmtaskssl-k3v_9qzx.npy").write_bytes(b"half")
    again = make_writer(tmp_path / "b")
    assert again.missing_shards() == [0, 2]
    fill(again, features, [2])
    fill(again, features)
    again.finish()
    make_writer(tmp_path / "b").finish()  # finishing twice changes nothing
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")


def test_incomplete_store_does_not_open(tmp_path, features):
    writer = make_writer(tmp_path / "s")
    fill(writer, features, [0])
    with pytest.raises(UserError, match="1 of 3 shards"):
        FeatureStore.open(tmp_path / "s")
    with pytest.raises(UserError, match="lacks 2 of 3"):
        writer.finish()


def test_continue_refuses_other_work(tmp_path, features):
    fill(make_writer(tmp_path / "s", root="/a"), features, [0])
    with pytest.raises(UserError, match="another extractor"):
        make_writer(tmp_path / "s", root="/a", extractor={"name": "f"})
    with pytest.raises(UserError, match="another transform"):
        make_writer(tmp_path / "s", root="/a", transform={"size": 1})
    with pytest.raises(UserError, match="another list of images"):
        make_writer(tmp_path / "s", root="/a", rows=9)
    with pytest.raises(UserError, match="another image folder"):
        make_writer(tmp_path / "s", root="/b")
    with pytest.raises(UserError, match="another dim"):
        make_writer(tmp_path / "s", root="/a", dim=4)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not a feature store"):
        make_writer(tmp_path / "other")


def test_labels_can_be_added_later(tmp_path, features):
    writer = make_writer(tmp_path / "s")
    fill(writer, features)
    writer.finish()
    assert FeatureStore.open(tmp_path / "s").labels is None
    writer = make_writer(tmp_path / "s", labels=["x"] * 10)
    assert writer.missing_shards() == []
    assert FeatureStore.open(tmp_path / "s").labels.tolist() == [0] * 10


def test_append_keeps_old_shards_and_adds_new_ones(tmp_path, features):
    writer = make_writer(tmp_path / "s", rows=6, labels=["b"] * 6)
    fill(writer, features)
    writer.finish()
    before = folder_bytes(tmp_path / "s")
    ids = ["new/a.jpg"] + [f"{i}.jpg" for i in range(6)] + ["new/b.jpg"]
    labels = ["a"] + ["b"] * 6 + ["c"]
    writer = make_writer(tmp_path / "s", ids=ids, labels=labels, append=True)
    assert writer.missing_shards() == [2]
    with pytest.raises(UserError, match="incomplete"):
        FeatureStore.open(tmp_path / "s")
    writer = make_writer(tmp_path / "s", ids=ids, labels=labels, append=True)
    assert writer.missing_shards() == [2]  # a killed append continues
    writer.write_shard(2, np.array([[1.0, 0, 0], [np.nan, 0, 0]]))
    writer.finish()
    store = FeatureStore.open(tmp_path / "s")
    assert store.image_ids[6:] == ["new/a.jpg", "new/b.jpg"]
    assert store.class_names == ["b", "a", "c"]
    assert store.labels.tolist() == [0] * 6 + [1, 2]
    assert store.bad_rows.tolist() == [7]
    assert store.read([6]).tolist() == [[1, 0, 0]]
    after = folder_bytes(tmp_path / "s")
    for name in ("shard-00000.npy", "shard-00001.npy"):
        assert before[name] == after[name]
    with pytest.raises(UserError, match="another extractor"):
        make_writer(tmp_path / "s", extractor={"name": "f"}, append=True)


def test_full_disk_is_one_sentence_and_keeps_finished_shards(
    tmp_path, features, monkeypatch
):
    writer = make_writer(tmp_path / "s")
    fill(writer, features, [0])
    kept = folder_bytes(tmp_path / "s")

    def no_space(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", no_space)
        with pytest.raises(UserError, match=r"(?i)no space left"):
            fill(writer, features, [1])
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", no_space)
        with pytest.raises(UserError, match=r"(?i)no space left"):
            fill(writer, features, [1])
    assert folder_bytes(tmp_path / "s") == kept
    fill(writer, features)
    writer.finish()
    assert len(FeatureStore.open(tmp_path / "s")) == 10


@pytest.mark.parametrize(
    ("ids", "message"),
    [([], "at least one"), (["a", "b", "a"], "'a' is listed twice"), (["a\n"], "line")],
)
def test_bad_ids(tmp_path, ids, message):
    with pytest.raises(UserError, match=message):
        make_writer(tmp_path / "s", ids=ids)
    assert not (tmp_path / "s").exists()


def test_ids_with_odd_characters_survive(tmp_path):
    ids = ["a b.jpg", "ü\u2028x.jpg", "c\r.jpg", "d\x0c.jpg", "e\udcff"]
    writer = make_writer(tmp_path / "s", ids=ids)
    fill(writer, np.eye(5, 3) + 1)
    writer.finish()
    assert FeatureStore.open(tmp_path / "s").image_ids == ids


def test_damage_is_named(tmp_path, features):
    writer = make_writer(tmp_path / "s")
    fill(writer, features)
    writer.finish()
    shard = layout.shard_path(tmp_path / "s", 1)
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-4])
    with pytest.raises(UserError, match="shard-00001"):
        FeatureStore.open(tmp_path / "s")
    shard.unlink()
    with pytest.raises(UserError, match="shard-00001"):
        FeatureStore.open(tmp_path / "s")
    np.save(shard, np.zeros((4, 4), np.float16))
    with pytest.raises(UserError, match="manifest"):
        FeatureStore.open(tmp_path / "s")
    manifest = json.loads((tmp_path / "s" / "manifest.json").read_text())
    (tmp_path / "s" / "manifest.json").write_text(json.dumps({**manifest, "format": 9}))
    with pytest.raises(UserError, match="format 9"):
        FeatureStore.open(tmp_path / "s")
    with pytest.raises(UserError, match="not a feature store"):
        FeatureStore.open(tmp_path)


def test_import_npy(tmp_path, features):
    features[3] = np.nan
    np.save(tmp_path / "f.npy", features)
    (tmp_path / "ids.txt").write_text("".join(f"{i}\n" for i in range(10)))
    store = import_features(
        tmp_path / "f.npy", tmp_path / "ids.txt", tmp_path / "s", rows_per_shard=3
    )
    assert store.image_ids == [str(i) for i in range(10)]
    assert store.bad_rows.tolist() == [3]
    assert store.manifest["shard_rows"] == [3, 3, 3, 1]
    good = features[4:] / np.linalg.norm(features[4:], axis=1, keepdims=True)
    np.testing.assert_allclose(store.read()[4:], good, atol=5e-4)
    said = []
    again = [tmp_path / "f.npy", tmp_path / "ids.txt", tmp_path / "s"]
    import_features(*again, rows_per_shard=3, log=said.append)
    assert len(said) == 1 and "is complete already" in said[0]
    np.save(tmp_path / "f.npy", features + 1)
    with pytest.raises(UserError, match=r"not made from the same.*other features"):
        import_features(*again, rows_per_shard=3)


@pytest.mark.parametrize(
    ("array", "ids", "message"),
    [
        (np.zeros((2, 3)), ["a"], "2 rows but 1 ids"),
        (np.zeros(3), ["a"], "shape"),
        (np.zeros((1, 3), np.int64), ["a"], "floats"),
        (np.array([["x"]], dtype=object), ["a"], "plain numbers"),
        (None, ["a"], "do not exist"),
    ],
)
def test_import_npy_bad_input(tmp_path, array, ids, message):
    if array is not None:
        np.save(tmp_path / "f.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=message):
        import_features(tmp_path / "f.npy", ids, tmp_path / "out" / "s")
    assert not (tmp_path / "out" / "s").exists()


def test_import_names_the_argument_that_is_wrong():
    for array in (np.zeros((1, 3), np.int64), np.zeros((2, 3))):
        with pytest.raises(UserError, match=r"^`features` (must hold floats|has 2)"):
            import_features(array, ["a"])


def test_check_same_extractor(tmp_path):
    def store(name, **kwargs):
        dim = kwargs.get("dim", 3)
        writer = make_writer(tmp_path / name, **kwargs)
        fill(writer, np.ones((10, dim)))
        writer.finish()
        return FeatureStore.open(tmp_path / name)

    a = store("a", root="/one")
    check_same_extractor(a, store("b", root="/two"))
    with pytest.raises(UserError, match=r"dim 3 .* dim 4"):
        check_same_extractor(a, store("c", dim=4))
    with pytest.raises(UserError, match="name: e and f"):
        check_same_extractor(a, store("d", extractor={"name": "f"}))
    with pytest.raises(UserError, match="another transform"):
        check_same_extractor(a, store("e", transform={"image_size": 64}))

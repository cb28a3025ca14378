import numpy as np
import pytest

from mmtaskssl.features.fingerprint import fingerprint
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.features.store import FeatureStore, check_same_extractor
from mmtaskssl.selection.search import topk
from mmtaskssl.utils.errors import UserError


@pytest.fixture
def features():
    rows = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    rows[3] = np.nan
    rows[7] = 0
    return rows


def make(features, **options):
    ids = [f"{i}.png" for i in range(len(features))]
    labels = [None if i == 5 else "ab"[i % 2] for i in range(len(features))]
    return MemoryStore(features, ids, labels=labels, root="pool", **options)


def test_it_is_the_store_that_it_saves(features, tmp_path):
    kept = make(features, broken={11: "unreadable image"}, extractor={"name": "net"})
    saved = FeatureStore.open(kept.save(tmp_path / "store", rows_per_shard=8))
    assert type(saved) is FeatureStore and saved.manifest["shard_rows"] == [8, 8, 8, 6]
    for rows in (None, [4, 2, 29]):
        np.testing.assert_array_equal(kept.read(rows), saved.read(rows))
    for name in ("image_ids", "class_names", "root", "dim", "quarantine"):
        assert getattr(kept, name) == getattr(saved, name)
    np.testing.assert_array_equal(kept.labels, saved.labels)
    np.testing.assert_array_equal(kept.bad_rows, [3, 7, 11])
    check_same_extractor(kept, saved)
    reopened = MemoryStore(
        saved.read(), saved.image_ids, extractor="net", broken={}, root="pool"
    )
    assert fingerprint(reopened) != fingerprint(kept)  # other labels, other reasons


def test_a_search_finds_the_same_in_memory_and_on_disk(features, tmp_path):
    features = np.nan_to_num(features)
    features[7] = 1
    kept = make(features)
    saved = FeatureStore.open(kept.save(tmp_path / "store", rows_per_shard=7))
    queries = kept.read([1, 2])
    for found, other in [(topk(queries, s, 4) for s in (kept, saved))]:
        np.testing.assert_array_equal(found.rows, other.rows)
        np.testing.assert_array_equal(found.scores, other.scores)


def test_rows_are_those_that_extraction_writes(features):
    kept = make(features)
    lengths = np.linalg.norm(kept.read(), axis=1)
    good = np.setdiff1d(np.arange(30), kept.bad_rows)
    np.testing.assert_allclose(lengths[good], 1, atol=2e-3)
    assert not lengths[kept.bad_rows].any()
    with pytest.raises(IndexError, match=r"0\.\.29"):
        kept.read([30])


def test_what_does_not_fit_together_is_refused(features, tmp_path):
    ids = [str(i) for i in range(30)]
    for bad, words in (
        (lambda: MemoryStore(features[0], ids), "shape"),
        (lambda: MemoryStore(features, ids[1:]), "30 features but 29"),
        (lambda: MemoryStore(features, ["a"] * 30), "listed twice"),
        (lambda: MemoryStore(features, ids, labels=["a"]), "1 labels"),
    ):
        with pytest.raises(UserError, match=words):
            bad()
    (tmp_path / "mine").write_text("")
    with pytest.raises(UserError, match="mine"):
        make(features).save(tmp_path)

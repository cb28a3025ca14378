"""Pools that change: what is selected is what a selection from scratch finds."""

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.features.removing import remove_images
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.features.writer import FeatureStoreWriter
from mmtaskssl.selection import kept_hits, search
from mmtaskssl.utils.errors import UserError

DIM = 8


class Pool:
    """A store on disk whose images come and go."""

    def __init__(self, path, rng):
        self.path, self.rng = path, rng
        self.features = {}

    def append(self, count):
        first = len(self.features)
        new = self.rng.standard_normal((count, DIM)).astype(np.float32) + 0.5
        # Some are copies, so that equal scores meet.
        known = [*self.features.values()]
        for place in range(0, count if known else 0, 3):
            new[place] = known[self.rng.integers(len(known))]
        self.features |= {f"{first + i}.jpg": row for i, row in enumerate(new)}
        ids = [*self.features][first:]
        writer = FeatureStoreWriter.prepare(
            *(self.path, ids),
            dim=DIM,
            extractor={"name": "e"},
            rows_per_shard=40,
            append=first > 0,
        )
        for index in writer.missing_shards():
            names = writer.image_ids[slice(*writer.shard_range(index))]
            writer.write_shard(index, np.stack([self.features[n] for n in names]))
        writer.finish()

    def remove(self, ids):
        remove_images(self.path, ids)

    @property
    def here(self):
        store = FeatureStore.open(self.path)
        gone = store.removed_ids
        return [image for image in store.image_ids if image not in gone]


def scratch(pool, target, **how):
    """Selects from a store that was made of what is there now."""
    ids = pool.here
    store = apis.import_features(
        np.stack([pool.features[image] for image in ids]), ids, extractor="e"
    )
    return apis.select(store, target, **how)


@pytest.fixture
def target():
    rng = np.random.default_rng(7)
    return apis.import_features(
        *(rng.standard_normal((6, DIM)) + 0.5, [f"q{i}" for i in range(6)]),
        labels=list("aabbcc"),
        extractor="e",
    )


@pytest.mark.parametrize("seed", range(6))
def test_any_changes_give_the_selection_from_scratch(tmp_path, target, seed):
    rng = np.random.default_rng(seed)
    pool = Pool(tmp_path / "pool", rng)
    pool.append(150)
    policies = ["round_robin", "score", "class_balanced", "simcore", "random"]
    for _ in range(6):
        policy = policies[rng.integers(len(policies))]
        budget = ["10%", 20, 45][rng.integers(3)]
        how = {"policy": policy, "budget": budget}
        if rng.random() < 0.3:
            how |= {"per_query": 9, "min_similarity": 0.1}
        found = apis.select(pool.path, target, hits=tmp_path / "hits", **how)
        expected = scratch(pool, target, **how)
        assert found.image_ids == expected.image_ids
        np.testing.assert_array_equal(found.selection.scores, expected.selection.scores)
        if rng.random() < 0.5:
            pool.append(int(rng.integers(1, 60)))
        else:
            # Those that were selected, which empties the lists of hits.
            here = found.image_ids if rng.random() < 0.5 else pool.here
            pool.remove(rng.permutation(here)[: rng.integers(1, 20)].tolist())


def searched(monkeypatch):
    """Returns a list of how many rows and queries each search has."""
    calls = []

    def topk(queries, pool, k, *, skip, **how):
        calls.append((int((~skip).sum()), len(queries)))
        return search.topk(queries, pool, k, skip=skip, **how)

    monkeypatch.setattr(kept_hits, "topk", topk)
    return calls


def test_the_work_is_in_proportion_to_the_change(tmp_path, target, monkeypatch):
    pool = Pool(tmp_path / "pool", np.random.default_rng(0))
    pool.append(400)
    calls = searched(monkeypatch)
    how = {"budget": 24, "hits": tmp_path / "hits"}
    apis.select(pool.path, target, **how)
    assert calls.pop() == (400, 6) and not calls
    apis.select(pool.path, target, **how)
    assert not calls
    pool.append(30)
    found = apis.select(pool.path, target, **how)
    assert calls.pop() == (30, 6) and not calls
    assert "30 of 430 rows of the pool are new" in found.notes[0]
    pool.remove([found.image_ids[0], found.image_ids[7]])
    found = apis.select(pool.path, target, **how)
    assert not calls and "0 of 430 rows" in found.notes[0]


def test_lists_that_are_exhausted_are_searched_anew_and_said(
    tmp_path, target, monkeypatch
):
    pool = Pool(tmp_path / "pool", np.random.default_rng(0))
    pool.append(400)
    how = {"budget": 24, "hits": tmp_path / "hits"}
    apis.select(pool.path, target, **how)
    calls = searched(monkeypatch)
    alone = apis.import_features(target.read([0]), ["q"], extractor="e")
    pool.remove(apis.select(pool.path, alone, 22).image_ids)
    found = apis.select(pool.path, target, **how)
    assert len(calls) == 1 and calls[0][0] == 378 and calls[0][1] < 6
    assert f"the lists of {calls[0][1]} of 6 queries are exhausted" in found.notes[0]
    assert found.image_ids == scratch(pool, target, budget=24).image_ids


def test_damage_another_pool_and_files_that_are_none(tmp_path, target, monkeypatch):
    pool = Pool(tmp_path / "pool", np.random.default_rng(0))
    pool.append(200)
    how = {"budget": 24, "hits": tmp_path / "hits"}
    expected = apis.select(pool.path, target, **how).image_ids
    (file,) = (tmp_path / "hits").iterdir()
    whole = file.read_bytes()
    calls = searched(monkeypatch)
    for damaged in (
        b"",
        whole[:100],
        whole[:900] + bytes(b ^ 1 for b in whole[900:2000]) + whole[2000:],
    ):
        file.write_bytes(damaged)
        assert apis.select(pool.path, target, **how).image_ids == expected
        assert calls.pop() == (200, 6)
    with np.load(file) as kept:
        content = dict(kept)
    np.savez(file, **{**content, "rows": content["rows"][::-1]})
    assert apis.select(pool.path, target, **how).image_ids == expected
    assert calls.pop() == (200, 6)
    other = Pool(tmp_path / "other", np.random.default_rng(1))
    other.append(200)
    found = apis.select(other.path, target, **how)
    assert found.image_ids == scratch(other, target, budget=24).image_ids
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        apis.select(pool.path, target, 24, hits=tmp_path / "file")

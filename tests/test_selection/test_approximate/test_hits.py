"""Selections by an index: their scores are exact, and what they miss is measured."""

import json

import numpy as np
import pytest

from mmtaskssl.apis import Selected, remove_images, select
from mmtaskssl.selection import search
from mmtaskssl.utils.errors import UserError

from ._pools import make_pool, queries_of, rows_of

pytest.importorskip("faiss")


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    target = rows_of(40, 5)
    return make_pool(folder / "pool", rows_of(1800)), make_pool(
        folder / "target", target
    )


@pytest.mark.parametrize("policy", ["round_robin", "simcore", "class_balanced"])
def test_policies_of_hits_choose_nearly_the_same(stores, tmp_path, policy):
    pool, _ = stores
    target = queries_of(40)
    target.labels = np.arange(40) % 3
    target.manifest["class_names"] = ["a", "b", "c"]
    exact = select(pool, target, 200, policy=policy)
    found = select(pool, target, 200, policy=policy, approximate=tmp_path / "index")
    assert len({*found.image_ids} & {*exact.image_ids}) > 0.95 * len(exact)
    rows, queries = found.selection.rows, found.selection.queries
    left = target.read(queries).astype(np.float64)
    scores = (pool.read(rows).astype(np.float64) * left).sum(1)
    assert np.array_equal(scores, found.selection.scores)


def test_the_recall_is_measured_said_and_recorded(stores, tmp_path):
    pool, target = stores
    said = []
    how = {"approximate": tmp_path / "index", "lists": 30, "code_bytes": 2}
    found = select(pool, target, 200, probes=1, rerank=1, log=said.append, **how)
    known, exact = found.task.known_hits(), search.topk(target.read(), pool, 10)
    share = np.mean(
        [
            len(np.intersect1d(*pair)) / 10
            for pair in zip(known.rows, exact.rows, strict=True)
        ]
    )
    facts = found.summary["approximate"]
    assert facts["recall"] == pytest.approx(share) and share < 0.9
    assert facts["recall_k"] == 10 and facts["recall_queries"] == 40
    assert facts["lists"] == 30 and facts["probes"] == 1 and facts["candidates"] == 10
    (note,) = [note for note in found.notes if "approximate" in note]
    assert note.startswith("warning: ") and f"{share:.1%}" in note
    assert "more probes" in note
    assert f"{share:.1%} of the nearest 10 found" in found.table()
    assert any("1 of the 30 lists" in line for line in said)
    full = select(pool, target, 200, probes=30, rerank=200, **how)
    assert full.summary["approximate"]["recall"] == 1
    assert not any(note.startswith("warning") for note in full.notes)
    assert full.image_ids == select(pool, target, 200).image_ids


def test_the_record_tells_searches_apart_and_is_read_again(stores, tmp_path):
    pool, target = stores
    how = {"approximate": tmp_path / "index"}
    found = select(pool, target, 50, **how)
    found.save(tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["approximate"]["index"] == str(tmp_path / "index")
    assert Selected.open(tmp_path / "out").image_ids == found.image_ids
    select(pool, target, 50, **how).save(tmp_path / "out")
    for other in ({}, {**how, "probes": 3}, {**how, "rerank": 2}):
        with pytest.raises(UserError, match=r"same inputs \(approximate"):
            select(pool, target, 50, **other).save(tmp_path / "out")


def test_limits_and_removals_hold(stores, tmp_path):
    _, target = stores
    pool = make_pool(tmp_path / "pool", rows_of(900))
    how = {"approximate": tmp_path / "index", "per_query": 2, "min_similarity": 0.2}
    first = select(pool, target, 60, **how)
    assert np.bincount(first.selection.queries).max() <= 2
    gone = first.image_ids[:10]
    pool = remove_images(tmp_path / "pool", gone)
    again = select(pool, target, 60, **how)
    assert not {*gone} & {*again.image_ids} and len(again) == 60


def test_what_is_enough_can_be_asked(stores, tmp_path):
    pool, target = stores
    found = select(pool, target, "auto", approximate=tmp_path / "index")
    assert found.summary["enough"]["images"] == len(found)


def test_a_whole_pool_needs_no_index(stores, tmp_path):
    pool, target = stores
    found = select(pool, target, "100%", approximate=tmp_path / "index")
    assert len(found) == 1800 and "approximate" not in found.summary
    assert not (tmp_path / "index").exists()


_INDEX = {"approximate": "index"}


@pytest.mark.parametrize(
    ("how", "words"),
    [
        *[
            ({**_INDEX, "policy": policy}, f"the policy {policy} looks at the whole")
            for policy in ("score", "whitened", "cluster", "importance", "random")
        ],
        ({**_INDEX, "hits": "hits"}, "`hits` keeps exact hits"),
        ({"lists": 3}, "`lists` is of use only with `approximate`"),
        ({"code_bytes": 3}, "`code_bytes` is of use only"),
        ({"probes": 3}, "`probes` is of use only"),
        ({"rerank": 3}, "`rerank` is of use only"),
        ({**_INDEX, "lists": 0}, "`lists`"),
        ({**_INDEX, "probes": 1.5}, "`probes`"),
        ({**_INDEX, "code_bytes": 99}, "`code_bytes` must be .* from 1 to 16"),
        ({"approximate": ""}, "`approximate` must be a path"),
        ({"memory": "little"}, "`memory` must be bytes"),
        ({"memory": 0}, "`memory`"),
        ({"memory": True}, "`memory` must be bytes"),
        ({"memory": "1MB"}, "`memory` of 1 MiB does not suffice for 40 x 3 hits"),
        ({**_INDEX, "memory": "1MB"}, "`memory` of 1 MiB does not suffice"),
        ({"memory": "1MB", "policy": "score"}, "does not suffice for 50 images"),
        ({"memory": "1GB", "policy": "whitened"}, "the policy whitened does not"),
        ({"memory": "1GB", "hits": "hits"}, "cannot be kept with `hits`"),
        ({"memory": "1GB", "mmr_lambda": 0.5}, "cannot be kept with `mmr_lambda`"),
    ],
)
def test_what_cannot_be_honoured_is_refused(stores, tmp_path, monkeypatch, how, words):
    pool, target = stores
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        select(pool, target, 50, **how)
    assert not [*tmp_path.iterdir()]

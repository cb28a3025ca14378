"""Cells around centres find what a slow search finds, where all are looked through."""

import numpy as np
import pytest

from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.duplicates import cells
from mmtaskssl.selection.duplicates.cells import Cells
from mmtaskssl.selection.duplicates.groups import components
from mmtaskssl.selection.duplicates.neighbours import near_pairs

pytest.importorskip("faiss")


@pytest.fixture
def store():
    values = np.random.default_rng(0).standard_normal((500, 8)).astype("f")
    values[[3, 77]] = 0  # which are quarantined
    return MemoryStore(values, [str(n) for n in range(500)])


def _near(store, queries, count, floor):
    skip = np.zeros(len(store), bool)
    skip[store.bad_rows] = True
    told = []
    found = Cells(store, skip).near(
        lambda part: queries[part], len(queries), count, floor, told.append
    )
    assert told[-1] == len(queries)
    return found


@pytest.mark.parametrize("at_once", [64, 2**17])
def test_all_cells_are_a_slow_search(store, monkeypatch, at_once):
    monkeypatch.setattr(cells, "_PROBES", 10**6)
    monkeypatch.setattr(cells, "_QUERIES", at_once)
    queries = np.random.default_rng(1).standard_normal((200, 8)).astype("f")
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    found = _near(store, queries, 3, 0.6)
    scores = queries.astype(float) @ store.read().astype(float).T
    scores[:, store.bad_rows] = -2
    wanted = [
        (query, row)
        for query, line in enumerate(scores)
        for row in np.argsort(-line)[:3].tolist()
        if line[row] >= 0.6
    ]
    pairs = [*zip(found.queries.tolist(), found.rows.tolist(), strict=True)]
    assert pairs == wanted and len({*found.queries.tolist()}) > 100
    assert np.allclose(found.scores, [scores[pair] for pair in wanted])


def test_some_cells_find_most_and_each_row_itself(store):
    found = _near(store, store.read(), 2, 0.0)
    first = found.rows[np.searchsorted(found.queries, np.arange(500))]
    good = np.setdiff1d(np.arange(500), store.bad_rows)
    assert (first[good] == good).all() and not np.isin(found.rows, [3, 77]).any()
    assert np.bincount(found.queries).max() == 2


def test_of_many_equal_rows_no_more_than_asked_for():
    values = np.tile(np.eye(4, dtype="f"), (100, 1))
    store = MemoryStore(values, [str(n) for n in range(400)])
    found = _near(store, store.read(), 5, 0.9)
    assert len(found.rows) == 5 * 400
    assert (found.rows % 4 == found.queries % 4).all()
    near = near_pairs(store, 4, 0.9, exact=100)
    assert 0 < len(near.pairs) <= 5 * 400 and near.recall == 1
    assert len(components(400, near.pairs)) == 4


def test_queries_stand_for_the_rows_of_many():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((300, 16)).astype("f")
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    turned = values[rng.permutation(300)]
    store = MemoryStore(values, [str(n) for n in range(300)])
    exact = near_pairs(store, 1, 0.99, queries=turned)
    found = near_pairs(store, 1, 0.99, queries=turned, exact=100)
    assert found.pairs.tolist() == exact.pairs.tolist() and len(found.pairs) > 200

"""Pairs of near rows, and the groups that they make."""

import numpy as np
import pytest

from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.duplicates.groups import components, kept_of
from mmtaskssl.selection.duplicates.neighbours import near_pairs

pytest.importorskip("faiss")


def _store(rows=60, dim=8, seed=0):
    values = np.random.default_rng(seed).standard_normal((rows, dim)).astype("f")
    return MemoryStore(values, [str(n) for n in range(rows)])


def _slow(store, count, floor):
    values = store.read().astype(np.float64)
    scores = values @ values.T
    np.fill_diagonal(scores, -np.inf)
    found = {}
    for row, line in enumerate(scores):
        for other in np.argsort(-line)[:count].tolist():
            if line[other] >= floor:
                found[tuple(sorted((row, other)))] = line[other]
    return dict(sorted(found.items()))


def test_they_are_those_of_a_slow_search():
    store = _store()
    found = near_pairs(store, 3, 0.5)
    wanted = _slow(store, 3, 0.5)
    assert [tuple(pair) for pair in found.pairs.tolist()] == [*wanted]
    assert np.allclose(found.scores, [*wanted.values()])
    assert found.recall is None


def test_an_inverted_file_says_how_much_it_finds():
    store = _store(rows=900)
    exact, near = near_pairs(store, 3, 0.5), near_pairs(store, 3, 0.5, exact=100)
    one, other = ({tuple(p) for p in found.pairs.tolist()} for found in (exact, near))
    assert other and len(other - one) <= 0.05 * len(one)
    assert 0.5 < near.recall <= 1


def test_rows_that_are_blank_are_nobodys_neighbours():
    values = np.zeros((3, 4), "f")
    values[1:] = 1
    store = MemoryStore(values, ["a", "b", "c"])
    assert near_pairs(store, 2, 0.5).pairs.tolist() == [[1, 2]]
    assert not len(near_pairs(store, 2, 0.5, queries=np.zeros((3, 4))).pairs)


def test_queries_stand_for_the_rows():
    store = MemoryStore(np.eye(3, dtype="f"), ["a", "b", "c"])
    turned = np.eye(3)[[1, 0, 2]]  # the first looks like the second, in a mirror
    assert near_pairs(store, 1, 0.5, queries=turned).pairs.tolist() == [[0, 1]]


def test_what_others_connect_is_one_group():
    groups = components(6, np.array([[0, 3], [3, 5], [1, 2]]))
    assert [group.tolist() for group in groups] == [[0, 3, 5], [1, 2]]
    assert components(6, np.zeros((0, 2), np.int64)) == []


def test_the_largest_stays_and_of_equals_the_first():
    group = np.array([1, 2, 4])
    sizes = dict(enumerate([(9, 9), (4, 8), (6, 1), (0, 0), (6, 1)]))
    assert kept_of(group, sizes) == 2
    assert kept_of(group, None) == 1

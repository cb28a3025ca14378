"""Lists of an index: every row has one, and mostly the nearest."""

import numpy as np
import pytest

from mmtaskssl.selection.approximate.lists import Lists, _shares

from ._pools import rows_of


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_rows_lie_in_the_nearest_list_or_one_nearly_as_near():
    rows = unit(rows_of(2000))
    lists = Lists.fitted(rows, 50, np.random.default_rng(0))
    assert lists.centroids.shape == (50, 16) and lists.sizes.sum() == 50
    assert np.allclose(np.linalg.norm(lists.centroids, axis=1), 1, atol=1e-5)
    mine, scores = lists.of(rows), rows @ lists.centroids.T
    best = scores.max(1)
    assert (scores.argmax(1) == mine).mean() > 0.9
    assert (best - scores[np.arange(2000), mine]).mean() < 0.01
    assert np.bincount(mine, minlength=50).min() > 0


def test_rows_find_the_same_lists_whatever_comes_at_once(monkeypatch):
    from mmtaskssl.selection.approximate import lists as module

    rows = unit(rows_of(700))
    lists = Lists.fitted(rows, 20, np.random.default_rng(0))
    whole = lists.of(rows)
    monkeypatch.setattr(module, "STEP_ROWS", 64)
    assert np.array_equal(lists.of(rows), whole)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_as_many_lists_as_were_asked_for(count):
    rows = unit(rows_of(40))
    lists = Lists.fitted(rows, count, np.random.default_rng(1))
    assert len(lists.centroids) == lists.sizes.sum() == count
    assert 0 <= lists.of(rows).min() <= lists.of(rows).max() < count


@pytest.mark.parametrize(
    ("have", "count"), [([5, 0, 5], 4), ([1, 1, 98], 3), ([1, 1, 98], 60), ([9], 9)]
)
def test_shares_are_by_rows_and_never_more_than_these(have, count):
    sizes = _shares(np.array(have), count)
    assert sizes.sum() == count and (sizes <= have).all()
    assert (sizes[np.array(have) > 0] > 0).all()


def test_the_same_rows_and_seed_make_the_same_lists():
    rows = unit(rows_of(500))
    one, two = (Lists.fitted(rows, 9, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.centroids, two.centroids)

import numpy as np
import pytest

from mmtaskssl.clustering import tree as tree_module
from mmtaskssl.clustering.assign import balanced_assign
from mmtaskssl.clustering.assign_few import assign_few
from mmtaskssl.clustering.kmeans import balanced_kmeans
from mmtaskssl.clustering.tree import TreeBuilder

from ._stores import make_store, planted


def best(scores, few):
    which = np.argsort(-scores, axis=1, kind="stable")[:, :few]
    return np.take_along_axis(scores, which, axis=1), which


def total(scores, assigned):
    return np.take_along_axis(scores, assigned[:, None], axis=1).sum()


@pytest.mark.parametrize(("low", "high"), [(1, 60), (8, 12), (10, 10)])
@pytest.mark.parametrize("few", [40, 6, 1])
def test_bounds_hold_and_little_is_lost(low, high, few):
    rng = np.random.default_rng(0)
    scores = rng.random((400, 40))
    scores[:, 0] += 0.5  # that most want to be in
    scores[:, 1] -= 0.9  # and that nobody does
    found = assign_few(*best(scores, few), 40, low, high)
    sizes = np.bincount(found, minlength=40)
    assert low <= sizes.min() and sizes.max() <= high
    dense = balanced_assign(scores, low, high)
    if few == 40:
        np.testing.assert_array_equal(found, dense)
    if few == 6 and low < high:
        assert total(scores, found) > 0.97 * total(scores, dense)


def test_impossible_bounds_are_refused():
    scores, which = best(np.random.default_rng(0).random((10, 4)), 2)
    with pytest.raises(ValueError, match="10 rows cannot make 4 clusters of 3"):
        assign_few(scores, which, 4, 3, 4)


def test_many_clusters_hold_the_scores_of_few(tmp_path, monkeypatch):
    features, _ = planted((150, 20, 60, 70), spread=0.8)
    store = make_store(tmp_path / "s", features)
    monkeypatch.setattr(tree_module, "MANY", 19)
    held, assign = [], tree_module.assign_few

    def counted(scores, which, *bounds):
        held.append(scores.shape)
        return assign(scores, which, *bounds)

    monkeypatch.setattr(tree_module, "assign_few", counted)
    leaf = TreeBuilder(store, (20,), 0.8, 1.2, 0, 4096).build()
    assert held == [(300, tree_module.FEW)]
    sizes = np.bincount(leaf, minlength=20)
    assert sizes.min() >= 12 and sizes.max() <= 18
    monkeypatch.setattr(tree_module, "MANY", 20)
    dense = TreeBuilder(store, (20,), 0.8, 1.2, 0, 4096).build()
    assert (leaf == dense).mean() > 0.9


def test_many_centroids_are_means_of_their_rows():
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((24, 32))
    rows = np.repeat(centres, 30, axis=0) + 0.05 * rng.standard_normal((720, 32))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows.astype(np.float16).astype(np.float32)
    found = balanced_kmeans(rows, 24, 15, 60, np.random.default_rng(0))
    nearest = (rows @ found.T).argmax(1)
    for cluster in np.unique(nearest):
        mean = rows[nearest == cluster].mean(0)
        assert mean @ found[cluster] > 0.98 * np.linalg.norm(mean)
    assert (rows @ found.T).max(1).mean() > 0.9

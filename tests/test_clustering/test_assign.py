import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from mmtaskssl.clustering.assign import balanced_assign


def best_total(scores, low, high):
    """The optimum by an assignment problem: ``high`` places a cluster, ``low`` forced.

    Every cluster has ``low`` places that must be filled and ``high - low`` that may
    be; dummy rows, which only the latter accept, fill what is left.
    """
    n, clusters = scores.shape
    must = np.repeat(np.arange(clusters), low)
    may = np.repeat(np.arange(clusters), high - low)
    cost = np.concatenate([scores[:, must], scores[:, may]], axis=1)
    spare = cost.shape[1] - n
    dummy = np.zeros((spare, cost.shape[1]))
    dummy[:, : len(must)] = -1e6
    full = np.concatenate([cost, dummy])
    rows, columns = linear_sum_assignment(full, maximize=True)
    return full[rows, columns].sum()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("clusters", [2, 3, 5])
def test_keeps_the_bounds_and_is_nearly_the_best(clusters, seed):
    rng = np.random.default_rng(seed)
    # One cluster attracts most rows, one nearly none.
    scores = rng.random((60, clusters)) + np.linspace(0.6, -0.6, clusters)
    mean = 60 // clusters
    low, high = mean * 3 // 4, mean * 5 // 4
    assigned = balanced_assign(scores, low, high)
    sizes = np.bincount(assigned, minlength=clusters)
    assert low <= sizes.min() and sizes.max() <= high
    total = np.take_along_axis(scores, assigned[:, None], 1).sum()
    best = best_total(scores, low, high)
    assert total <= best + 1e-9
    assert total >= (best - 1e-9 if clusters == 2 else 0.98 * best)


def test_without_pressure_each_row_takes_its_best():
    scores = np.random.default_rng(0).random((50, 4))
    assert np.array_equal(balanced_assign(scores, 0, 50), scores.argmax(1))


def test_equal_rows_are_divided():
    assigned = balanced_assign(np.zeros((10, 4)), 2, 3)
    assert sorted(np.bincount(assigned).tolist()) == [2, 2, 3, 3]


def test_every_row_may_prefer_one_cluster():
    scores = np.zeros((12, 3))
    scores[:, 1] = np.arange(12)
    assigned = balanced_assign(scores, 4, 4)
    # Those stay that would lose most.
    assert np.flatnonzero(assigned == 1).tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize(("low", "high"), [(0, 3), (4, 5)])
def test_bounds_that_cannot_hold_are_refused(low, high):
    with pytest.raises(ValueError, match="10 rows cannot make 3 clusters"):
        balanced_assign(np.zeros((10, 3)), low, high)

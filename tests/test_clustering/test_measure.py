import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from mmtaskssl.clustering.measure import (
    cohesion,
    contingency,
    feature_sums,
    levels,
    normalized_mutual_information,
    purity,
)

from ._stores import make_store


@pytest.mark.parametrize("seed", range(4))
def test_nmi_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 5, 200), rng.integers(0, 3, 200)
    b[a == 2] = 1
    found = normalized_mutual_information(contingency(a, b))
    assert found == pytest.approx(normalized_mutual_info_score(b, a))


def test_nmi_of_one_cluster_and_one_label():
    zeros = np.zeros(4, dtype=int)
    assert normalized_mutual_information(contingency(zeros, zeros)) == 1
    assert normalized_mutual_information(contingency(zeros, np.arange(4))) == 0


def test_rows_without_cluster_or_label_do_not_count():
    clusters = np.array([0, 0, 0, 1, 1, -1])
    labels = np.array([2, 2, 0, 1, -1, 1])
    table = contingency(clusters, labels)
    assert table.tolist() == [[1, 0, 2], [0, 1, 0]]
    assert purity(table) == 0.75


def test_cohesion_is_the_mean_over_pairs(tmp_path):
    features = np.random.default_rng(0).standard_normal((30, 5)) + 0.5
    store = make_store(tmp_path / "s", features, 7)
    leaf = np.array([0] * 11 + [1] * 17 + [2, -1])
    sizes = np.array([11, 17, 1])
    sums = feature_sums(store, leaf, 3)
    assert np.array_equal(
        sums, feature_sums(make_store(tmp_path / "t", features), leaf, 3)
    )
    expected = []
    for cluster in range(2):
        x = store.read(np.flatnonzero(leaf == cluster))
        pairs = (x @ x.T)[~np.eye(len(x), dtype=bool)]
        expected.append(pairs.mean())
    found = cohesion(sums, sizes)
    assert found[:2] == pytest.approx(expected, abs=1e-3)
    assert found[2] == 1


def test_levels_add_up():
    sums = np.eye(4) * 10
    found = levels((2, 2), sums, np.array([10, 10, 10, 10]))
    assert [row["clusters"] for row in found] == [1, 2, 4]
    assert [row["largest"] for row in found] == [40, 20, 10]
    assert [row["imbalance"] for row in found] == [1, 1, 1]
    # Orthogonal clusters of identical images: 9 of 19 partners are alike in a pair.
    assert [row["cohesion"] for row in found] == [
        round(9 / 39, 4),
        round(9 / 19, 4),
        1,
    ]

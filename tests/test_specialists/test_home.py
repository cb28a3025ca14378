"""Where a target lies among clusters."""

import numpy as np
import pytest

from mmtaskssl.apis import cluster
from mmtaskssl.specialists.home import find_home, home_of
from mmtaskssl.utils.errors import UserError
from tests.test_clustering._stores import make_store, planted


def test_the_fewest_clusters_that_hold_the_share():
    votes = [0.05, 0.5, 0.1, 0.35]
    home = home_of(votes, 0.8, "t")
    assert home.leaves == (1, 3) and home.held == pytest.approx(0.85)
    assert home_of(votes, 0.85).leaves == (1, 3)  # just as much is enough
    assert home_of(votes, 0.5).leaves == (1,)
    assert home_of(votes, 1.0).leaves == (1, 3, 2, 0)
    assert not home.is_diffuse and home_of(votes, 0.9).is_diffuse


def test_spread_is_the_number_of_equal_clusters():
    assert home_of([0.25] * 4, 0.8).spread == pytest.approx(4)
    assert home_of([0, 1.0, 0, 0], 0.8).spread == pytest.approx(1)
    assert home_of([0, 0.5, 0, 0.5], 0.8).spread == pytest.approx(2)
    assert home_of([0.25] * 4, 0.8).is_diffuse  # it takes all four


def test_a_target_of_two_planted_clusters_is_found_there(tmp_path):
    features, label = planted([30, 30, 30, 30])
    pool = make_store(tmp_path / "pool", features)
    clusters = cluster(pool, (4, 1))
    leaf_of = {
        name: int(np.bincount(clusters.leaf[label == name]).argmax())
        for name in range(4)
    }
    own = np.concatenate([features[label == 2][:15], features[label == 0][:5]])
    target = make_store(tmp_path / "target", own + 0.01)
    home = find_home(target, pool, clusters, 0.9, name="mine")
    assert home.leaves == (leaf_of[2], leaf_of[0])  # the one of most images first
    assert home.votes[leaf_of[2]] == pytest.approx(0.75, abs=0.02)
    assert find_home(target, pool, clusters, 0.7).leaves == (leaf_of[2],)


def test_features_that_do_not_fit(tmp_path):
    features, _ = planted([20, 20])
    pool = make_store(tmp_path / "pool", features)
    clusters = cluster(pool, (2, 1))
    narrow = make_store(tmp_path / "narrow", features[:5, :7])
    with pytest.raises(UserError, match="7 dimensions and the pool's 24"):
        find_home(narrow, pool, clusters)
    fewer = make_store(tmp_path / "fewer", features[:10])
    with pytest.raises(UserError, match="`pool` lacks 000"):
        find_home(pool, fewer, clusters)

import importlib

import numpy as np
import pytest

from mmtaskssl.selection.policies import POLICIES
from mmtaskssl.selection.policies.quotas import water_fill
from mmtaskssl.utils.errors import UserError, set_flags

from . import _reference
from ._reference import make_store, make_task, random_features

RANKED = ["round_robin", "score", "class_balanced", "simcore"]


def task_with_copies(tmp_path, budget, num_queries=6, rows=120, seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    features = random_features(rng, rows, dim=8, spread=0.7, copies=9)
    pool = make_store(tmp_path / "pool", features, rows_per_shard=50)
    near = features[:num_queries] + 0.2 * rng.standard_normal((num_queries, 8))
    queries = make_store(tmp_path / "queries", near).read()
    labels = np.arange(num_queries) % 3
    return make_task(pool, queries, budget, (4, 60), labels=labels, **kwargs)


@pytest.mark.parametrize("policy", RANKED)
@pytest.mark.parametrize("budget", [1, 5, 40, 110])
def test_policy_equals_slow_reference(tmp_path, policy, budget):
    task = task_with_copies(tmp_path, budget)
    chosen = POLICIES[policy](task)
    expected = getattr(_reference, policy)(task)
    assert chosen.rows.tolist() == [e[0] for e in expected]
    assert chosen.scores.tolist() == [float(e[1]) for e in expected]
    assert chosen.queries.tolist() == [e[2] for e in expected]
    assert chosen.query_ranks.tolist() == [e[3] for e in expected]


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_gives_unique_allowed_rows_and_repeats_itself(tmp_path, policy):
    sources = np.arange(120) % 4
    task = task_with_copies(tmp_path, 30, sources=sources, num_queries=12)
    first, second = POLICIES[policy](task), POLICIES[policy](task)
    np.testing.assert_array_equal(first.rows, second.rows)
    assert len(set(first.rows.tolist())) == len(first.rows) == 30
    assert not task.skip[first.rows].any()
    exact = task.queries.astype(np.float64) @ task.pool.read().astype(np.float64).T
    np.testing.assert_array_equal(first.scores, exact[first.queries, first.rows])


@pytest.mark.parametrize("policy", POLICIES)
def test_policy_does_not_depend_on_shards(tmp_path, policy):
    task = task_with_copies(tmp_path, 25, sources=np.arange(120) % 5)
    chosen = POLICIES[policy](task)
    features = np.load(tmp_path / "pool.npy")
    task.pool = make_store(tmp_path / "whole", features, rows_per_shard=120)
    task._hits = None
    np.testing.assert_array_equal(POLICIES[policy](task).rows, chosen.rows)


def test_round_robin_doubles_k_until_enough_unique(tmp_path):
    rng = np.random.default_rng(0)
    features = random_features(rng, 200, dim=8)
    pool = make_store(tmp_path / "pool", features)
    queries = np.repeat(pool.read([3]), 10, axis=0)  # all with the same hits
    task = make_task(pool, queries, 60)
    assert task.first_k == 12
    assert len(POLICIES["round_robin"](task).rows) == 60


def test_round_robin_serves_every_query_and_score_does_not(tmp_path):
    rng = np.random.default_rng(0)
    crowd = rng.standard_normal(16) + 0.01 * rng.standard_normal((300, 16))
    far = rng.standard_normal(16) + 0.8 * rng.standard_normal((50, 16))
    pool = make_store(tmp_path / "pool", np.concatenate([crowd, far]))
    queries = pool.read([0, 349])
    counts = {}
    for policy in ("round_robin", "score"):
        chosen = POLICIES[policy](make_task(pool, queries, 40))
        counts[policy] = np.bincount(chosen.queries, minlength=2).tolist()
    assert counts["round_robin"] == [20, 20]
    assert counts["score"][0] > 35


def test_smaller_random_budget_is_a_prefix_and_seeds_differ(tmp_path):
    task = task_with_copies(tmp_path, 50, seed=3)
    long = POLICIES["random"](task).rows
    task.budget = 20
    np.testing.assert_array_equal(POLICIES["random"](task).rows, long[:20])
    task.seed = 1
    assert set(POLICIES["random"](task).rows) != set(long[:20])


def test_random_by_source_is_even_over_sources(tmp_path):
    sources = np.array([0] * 3 + [1] * 90 + [2] * 27)
    task = task_with_copies(tmp_path, 43, sources=sources)
    chosen = POLICIES["random_by_source"](task)
    assert np.bincount(sources[chosen.rows]).tolist() == [3, 20, 20]


def test_policies_that_lack_their_input_say_so(tmp_path):
    task = task_with_copies(tmp_path, 10)
    set_flags(["--sources"])  # as the tool does
    with pytest.raises(UserError, match="--sources"):
        POLICIES["random_by_source"](task)
    set_flags()
    task.labels = None
    with pytest.raises(UserError, match="label"):
        POLICIES["class_balanced"](task)


def test_simcore_stops_when_hits_get_worse(tmp_path):
    rng = np.random.default_rng(0)
    near = rng.standard_normal(16) + 0.05 * rng.standard_normal((90, 16))
    far = rng.standard_normal((200, 16))
    pool = make_store(tmp_path / "pool", np.concatenate([near, far]))
    task = make_task(pool, pool.read([0, 1, 2]), 250)
    chosen = POLICIES["simcore"](task)
    assert 60 <= len(chosen.rows) < 110
    assert "stopped" in chosen.notes[0]
    assert chosen.rows.tolist() == [e[0] for e in _reference.simcore(task)]


@pytest.mark.parametrize("queries", [6, 30])
def test_whitened_equals_slow_reference(tmp_path, queries, monkeypatch):
    task = task_with_copies(tmp_path, 40, num_queries=queries)
    expected = _reference.whitened(task, nearest=20, ridge=0.1)
    assert POLICIES["whitened"](task).rows.tolist() == expected
    # The function has its module's name.
    module = importlib.import_module("mmtaskssl.selection.policies.whitened")
    monkeypatch.setattr(module, "TILE_QUERIES", 4)
    monkeypatch.setattr(module, "BLOCK_ROWS", 16)
    assert POLICIES["whitened"](task).rows.tolist() == expected


def test_whitened_looks_past_what_the_whole_pool_varies_by(tmp_path):
    rng = np.random.default_rng(0)
    # Two kinds, told apart by little; most of what images differ by says nothing of it.
    kind, features = np.arange(400) % 2, 0.05 * rng.standard_normal((400, 16)) + 1
    features[:, 0] += 0.2 * kind
    features[:, 8:] += 0.5 * rng.standard_normal((400, 8))
    pool = make_store(tmp_path / "pool", features)
    rows = np.flatnonzero(kind)[:30]
    skip = rows.tolist()
    shares = {
        policy: kind[
            POLICIES[policy](make_task(pool, pool.read(rows), 100, skip)).rows
        ].mean()
        for policy in ("round_robin", "score", "whitened")
    }
    assert shares["whitened"] > 0.9 > 0.75 > shares["round_robin"]
    assert shares["score"] < 0.75


def test_one_odd_query_draws_nothing_in(tmp_path):
    rng = np.random.default_rng(0)
    near, far = 4 * rng.standard_normal((2, 1, 16))
    features = np.concatenate([near + rng.standard_normal((200, 16)),
                               far + rng.standard_normal((200, 16))])  # fmt: skip
    pool = make_store(tmp_path / "pool", features)
    queries = np.concatenate([pool.read(np.arange(39)), pool.read([300])])
    chosen = {
        policy: POLICIES[policy](make_task(pool, queries, 80)).rows
        for policy in ("round_robin", "whitened")
    }
    assert (chosen["round_robin"] >= 200).sum() > 0
    assert (chosen["whitened"] >= 200).sum() == 0


def test_whitened_of_equal_and_of_few_images(tmp_path):
    pool = make_store(tmp_path / "pool", np.ones((6, 8)))
    chosen = POLICIES["whitened"](make_task(pool, pool.read([0]), 3))
    assert chosen.rows.tolist() == [0, 1, 2]
    rng = np.random.default_rng(0)
    few = make_store(tmp_path / "few", rng.standard_normal((5, 64)))
    chosen = POLICIES["whitened"](make_task(few, few.read([3]), 2))
    assert chosen.rows[0] == 3 and len(chosen.rows) == 2


def test_cluster_stays_in_the_cells_of_the_target(tmp_path):
    rng = np.random.default_rng(0)
    centres = 4 * rng.standard_normal((4, 16))
    features = np.repeat(centres, 200, axis=0) + 0.3 * rng.standard_normal((800, 16))
    pool = make_store(tmp_path / "pool", features)
    queries = pool.read(np.arange(200, 212))
    chosen = POLICIES["cluster"](make_task(pool, queries, 50))
    assert ((chosen.rows >= 200) & (chosen.rows < 400)).all()
    short = POLICIES["cluster"](make_task(pool, queries, 700))
    assert len(short.rows) < 700
    assert "fewer" in short.notes[-1]


@pytest.mark.parametrize("budget", [0, 1, 7, 12, 13, 99])
def test_water_fill_equals_handing_out_one_by_one(budget):
    sizes = np.array([5, 0, 1, 4, 3])
    quota = [0] * 5
    for _ in range(min(budget, sizes.sum())):
        open_groups = [g for g in range(5) if quota[g] < sizes[g]]
        quota[min(open_groups, key=lambda g: (quota[g], g))] += 1
    assert water_fill(budget, sizes).tolist() == quota

"""Limits of a selection, each against a slow version in plain Python."""

import numpy as np
import pytest

from mmtaskssl import apis
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection.admission import Admission
from mmtaskssl.selection.choosing import choose
from mmtaskssl.selection.limits import Limits, shares
from mmtaskssl.selection.policies import POLICIES
from mmtaskssl.utils.errors import UserError

from . import _reference
from ._reference import exact_matrix, make_store, make_task, random_features

ROWS, QUERIES = 120, 8


def a_task(budget, shards=50, tmp_path=None, seed=0):
    rng = np.random.default_rng(seed)
    features = random_features(rng, ROWS, dim=8, spread=0.7, copies=9)
    near = features[:QUERIES] + 0.2 * rng.standard_normal((QUERIES, 8))
    if tmp_path is None:
        pool = MemoryStore(features, [f"p{i}" for i in range(ROWS)])
    else:
        pool = make_store(tmp_path / "pool", features, rows_per_shard=shards)
    queries = MemoryStore(near, [f"q{i}" for i in range(QUERIES)]).read()
    return make_task(
        *(pool, queries, budget, (4, 60)),
        labels=np.arange(QUERIES) % 3,
        sources=np.arange(ROWS) % 4,
    )


TARGETS = np.arange(QUERIES) // 5
LIMITS = {
    "query": Limits(per_query=3),
    "class": Limits(per_class=5),
    "source": Limits(per_source=4),
    "floor": Limits(min_similarity=0.75),
    "weights": Limits(target_weights=[1, 3]),
    "budgets": Limits(target_budgets=[4, 7]),
    "all": Limits(None, [6, 9], 4, 6, 5, 0.6),
}


def everything(task, policy):
    """All rows in a policy's order: (row, score, query)."""
    budget, task.budget = task.budget, task.reachable
    order = getattr(_reference, "round_robin" if policy == "class_balanced" else policy)
    found = [(int(r), float(s), q) for r, s, q, _ in order(task)]
    task.budget = budget
    return found


def plain(task, policy, limits, unlike=None):
    """The rows that keep to limits, one after another, counted by hand."""
    matrix = np.array(exact_matrix(task), dtype=float)
    found, behind = [], []
    for row, score, query in everything(task, policy):
        nearest = int(matrix[:, row].argmax())
        likeness = matrix[nearest, row]
        if unlike is not None:
            against = (unlike.astype(float) @ task.pool.read([row])[0]).max()
            if against > likeness:
                if limits.unlike_last:
                    behind.append((row, query))
                continue
        if limits.min_similarity is not None:
            if likeness < limits.min_similarity:
                continue
            if score < limits.min_similarity:
                query = nearest
        found.append((row, query))
    counts = np.bincount(TARGETS).tolist()
    quotas = limits.quotas(task.budget, counts)
    chosen = []

    def admit(row, query, soft=True):
        mine = list(chosen)
        caps = [
            (limits.per_query, lambda r, q: q == query),
            (limits.per_class, lambda r, q: task.labels[q] == task.labels[query]),
            (limits.per_source, lambda r, q: task.sources[r] == task.sources[row]),
        ]
        if quotas is not None and (soft or limits.target_budgets):
            most = quotas[TARGETS[query]]
            caps.append((most, lambda r, q: TARGETS[q] == TARGETS[query]))
        if len(chosen) >= task.budget or row in [r for r, _ in chosen]:
            return
        if all(m is None or sum(f(*one) for one in mine) < m for m, f in caps):
            chosen.append((row, query))

    for one in found:
        admit(*one)
    for one in [*found, *behind]:
        admit(*one, soft=False)
    return chosen


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("policy", ["round_robin", "score"])
@pytest.mark.parametrize("budget", [11, 60])
def test_limits_equal_slow_reference(policy, name, budget):
    task = a_task(budget)
    found = choose(task, policy, Admission(task, LIMITS[name], TARGETS))
    expected = plain(a_task(budget), policy, LIMITS[name])
    assert [*zip(found.rows.tolist(), found.queries.tolist(), strict=True)] == expected
    assert len(found.rows)


@pytest.mark.parametrize("last", [False, True])
def test_what_is_not_wanted_is_dropped_or_comes_last(last):
    task = a_task(100)
    unlike = task.pool.read([20, 33, 71])
    limits = Limits(unlike_last=last)
    admission = Admission(task, limits, TARGETS, unlike)
    found = choose(task, "round_robin", admission)
    expected = plain(a_task(100), "round_robin", limits, unlike)
    assert found.rows.tolist() == [row for row, _ in expected]
    assert (len(found.rows) == 100) == last
    assert "nearer to what is not wanted" in admission.notes[0]


def test_class_balance_is_kept_within_limits():
    task = a_task(30)
    free = choose(a_task(30), "class_balanced", Admission(task, Limits(), TARGETS))
    same = POLICIES["class_balanced"](task)
    np.testing.assert_array_equal(free.rows, same.rows)
    admission = Admission(task, Limits(per_source=9), TARGETS)
    found = choose(task, "class_balanced", admission)
    assert np.bincount(task.labels[found.queries]).tolist() == [10, 10, 10]
    assert np.bincount(task.sources[found.rows]).max() == 9


@pytest.mark.parametrize("policy", POLICIES)
def test_any_policy_keeps_to_all_limits_whatever_the_shards(policy, tmp_path):
    limits = Limits(None, [12, 20], 6, 12, 9, 0.3, 0.6)
    results = []
    for shards in (120, 7):
        (tmp_path / str(shards)).mkdir()
        task = a_task(30, shards, tmp_path / str(shards))
        found = choose(task, policy, Admission(task, limits, TARGETS))
        results.append(found.rows.tolist())
        assert len({*results[-1]}) == len(results[-1]) > 15
        assert not task.skip[found.rows].any() and (found.scores >= 0.3).all()
        assert np.bincount(found.queries).max() <= 6
        assert np.bincount(task.labels[found.queries]).max() <= 12
        assert np.bincount(task.sources[found.rows]).max() <= 9
        assert (np.bincount(TARGETS[found.queries]) <= [12, 20]).all()
    assert results[0] == results[1]


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("policy", ["score", "round_robin"])
def test_diversity_equals_greedy_in_plain_python(policy, weight):
    budget = 12
    task = a_task(budget)
    limits = Limits(mmr_lambda=weight)
    found = choose(task, policy, Admission(task, limits, TARGETS))
    left = everything(a_task(budget), policy)[: 4 * budget]
    most = dict.fromkeys(range(QUERIES), budget)
    if policy == "round_robin":  # each query keeps what its turns gave it
        served = [q for _, _, q in left[:budget]]
        most = {q: served.count(q) for q in range(QUERIES)}
    x = task.pool.read().astype(float)
    chosen = []
    while len(chosen) < budget:
        free = [one for one in left if most[one[2]]]
        if chosen:
            value = [
                weight * s - (1 - weight) * max(x[r] @ x[c] for c in chosen)
                for r, s, _ in free
            ]
        else:
            value = [s for _, s, _ in free]
        best = free[int(np.argmax(value))]
        left.remove(best)
        most[best[2]] -= 1
        chosen.append(best[0])
    assert found.rows.tolist() == chosen


def test_diversity_chooses_fewer_copies():
    rng = np.random.default_rng(1)
    base = rng.standard_normal((20, 8))
    pool = np.repeat(base, 5, axis=0) + 0.01 * rng.standard_normal((100, 8))
    store = MemoryStore(pool, [f"p{i}" for i in range(100)])
    target = MemoryStore(base[:2] + base[2:4], ["a", "b"])
    kinds = [
        len({row // 5 for row in apis.select(store, target, 20, **how).selection.rows})
        for how in ({}, {"mmr_lambda": 0.3})
    ]
    assert kinds[1] > 1.5 * kinds[0]


def test_importance_spreads_as_the_target_does():
    rng = np.random.default_rng(0)
    kinds = rng.standard_normal((4, 16)) * 4
    of = rng.choice(4, 4000, p=[0.7, 0.1, 0.1, 0.1])
    pool = MemoryStore(
        kinds[of] + rng.standard_normal((4000, 16)), [f"p{i}" for i in range(4000)]
    )
    queries = kinds[np.repeat([1, 2], [45, 15])] + rng.standard_normal((60, 16))
    target = MemoryStore(queries, [f"q{i}" for i in range(60)])
    task = make_task(pool, target.read(), 200)
    found = POLICIES["importance"](task)
    share = np.bincount(of[found.rows], minlength=4) / 200
    np.testing.assert_allclose(share, [0.01, 0.74, 0.25, 0.0], atol=0.08)
    task.budget = 50
    np.testing.assert_array_equal(POLICIES["importance"](task).rows, found.rows[:50])


@pytest.mark.parametrize(
    ("weights", "room", "expected"),
    [
        ([1, 1, 1], [9, 9, 9], [4, 3, 3]),
        ([9, 1, 1], [99, 99, 99], [8, 1, 1]),
        ([9, 1, 1], [2, 99, 99], [2, 4, 4]),
        ([0, 2], [99, 99], [0, 10]),
        ([1, 1], [3, 4], [3, 4]),
    ],
)
def test_shares(weights, room, expected):
    assert shares(10, weights, room) == expected


def test_what_a_target_cannot_fill_goes_to_the_others():
    pool = MemoryStore(np.eye(8).repeat(5, axis=0), [f"p{i}" for i in range(40)])
    one = MemoryStore(np.eye(8)[:1], ["a"], name="one")
    two = MemoryStore(np.eye(8)[1:5], list("bcde"), name="two")
    found = apis.select(
        *(pool, [one, two], 20), target_weights=[3, 1], min_similarity=0.9
    )
    assert found.summary["target"]["selected"] == [
        {"store": "one", "selected": 5, "wanted": 15},
        {"store": "two", "selected": 15, "wanted": 5},
    ]
    assert found.summary["limits"]["target_weights"] == [3, 1]
    assert "5 of 15 wanted" in found.table()
    assert "min similarity" in found.page()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_weights": [1]}, "one number for each target: there are 2"),
        ({"target_weights": [0, 0]}, "must not all be 0"),
        ({"target_weights": [1, -1]}, "`target_weights` must be a number from 0"),
        ({"target_weights": [1, 2], "target_budgets": [1, 2]}, "name one of"),
        ({"target_budgets": [0, 3]}, "`target_budgets` must be a whole number"),
        ({"target_budgets": 3}, "must be a list"),
        ({"per_query": 0}, "`per_query`"),
        ({"per_class": 3}, "a limit of images a class needs a label"),
        ({"per_source": 3}, "needs the source of every pool image"),
        ({"min_similarity": 1.5}, "`min_similarity`"),
        ({"min_similarity": 1.0}, "no pool image keeps to the limits"),
        ({"mmr_lambda": 2}, "`mmr_lambda`"),
        ({"unlike_last": True}, "is of use only with `unlike`"),
        ({"unlike": 3}, "`unlike`"),
        ({"duplicates": "/nope"}, "holds no result of deduplicate"),
    ],
)
def test_bad_limits_are_one_sentence(options, words):
    task = a_task(5)
    target = MemoryStore(task.queries, [f"q{i}" for i in range(QUERIES)])
    with pytest.raises(UserError, match=words):
        apis.select(task.pool, [target, target], 5, **options)


def test_inputs_without_limits_are_those_of_versions_that_had_none():
    task = a_task(5)
    target = MemoryStore(task.queries, [f"q{i}" for i in range(QUERIES)])
    plain, other = (
        apis.select(task.pool, target, 5, **how).summary["inputs"]
        for how in ({}, {"per_query": 2})
    )
    assert not {"limits", "unlike", "duplicates"} & {*plain}
    assert other["limits"] == {"per_query": 2}

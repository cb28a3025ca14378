"""How alike pool and target are, on features whose answer is known."""

import numpy as np
import pytest

from mmtaskssl.customize.diagnosis import likeness as module
from mmtaskssl.customize.diagnosis.likeness import Likeness, likeness
from mmtaskssl.features.memory import MemoryStore

_DIM = 64


def _kind(axis, count, spread, rng):
    """Directions around an axis; far ones are nearly orthogonal to all."""
    noise = rng.standard_normal((count, _DIM))
    return np.eye(_DIM)[axis] + spread * noise / _DIM**0.5


def _store(*parts):
    rows = np.concatenate(parts)
    return MemoryStore(rows, [f"{row}.png" for row in range(len(rows))])


@pytest.fixture(scope="module")
def stores():
    """A pool of 1,000 images, 250 of which are of the first target's kind."""
    rng = np.random.default_rng(0)
    pool = _store(
        _kind(0, 250, 0.7, rng), *(_kind(k, 75, 0.7, rng) for k in range(1, 11))
    )
    inside, outside = (_store(_kind(axis, 40, 0.7, rng)) for axis in (0, 40))
    return pool, inside, outside


@pytest.fixture(scope="module")
def inside(stores):
    return likeness(*stores[:2])


def test_the_targets_own_kind_is_found_and_counted(inside):
    assert inside.use == "alike" and inside.images == 250
    assert [k for k, _ in inside.curve] == [125, 250, 500]
    assert inside.closeness(inside.own) == 1 and inside.closeness(inside.random) == 0
    near, far = (inside.closeness(inside.curve[i][1]) for i in (0, 2))
    assert near > 0.8 and far < 0.4
    # Neighbours lie in the clusters of one kind; random images in all of them.
    assert (
        inside.spread.of == 16 and inside.spread.clusters < 4 < inside.spread.anywhere
    )


def test_the_kth_is_like_the_slow_reference(stores, inside):
    pool, target, _ = stores
    alike = target.read() @ pool.read().T
    random = np.median(alike.max(axis=0))
    assert inside.random == pytest.approx(random, abs=1e-6)  # fewer than are drawn
    own = target.read() @ target.read().T
    np.fill_diagonal(own, -1)
    assert inside.own == pytest.approx(np.median(own.max(axis=1)), abs=1e-6)
    order, taken, scores = np.argsort(-alike, axis=1, kind="stable"), set(), []
    for rank in range(alike.shape[1]):
        hits = sorted(range(len(alike)), key=lambda q: -alike[q, order[q, rank]])
        for query in hits:
            row = order[query, rank]
            if row not in taken:
                taken.add(row)
                scores.append(alike[query, row])
        if len(scores) > 500:
            break
    for k, value in inside.curve[:3]:
        assert value == pytest.approx(np.median(scores[int(0.8 * k) : k]), abs=1e-6)


@pytest.fixture
def unclustered(monkeypatch):
    monkeypatch.setattr(module, "concentration", lambda *arguments: None)


def test_a_pool_without_the_target(stores, unclustered):
    pool, _, outside = stores
    found = likeness(pool, outside)
    assert found.use == "nothing" and found.closest < 1 / 3


def test_rows_that_do_not_count_are_never_neighbours(stores, unclustered):
    pool, target, _ = stores
    skip = np.zeros(len(pool), bool)
    skip[:250] = True
    found = likeness(pool, target, skip=skip)
    assert found.use == "nothing" and found.seen == found.pool == 750
    assert max(found.best) < 0.6


def test_a_part_of_the_pool_stands_for_all(stores, inside, unclustered):
    pool, target, _ = stores
    part = likeness(pool, target, images=10_000)
    assert part.seen == 1000 and part.pool == 10_000
    assert part.curve == [(10 * k, value) for k, value in inside.curve]
    assert part.images == 10 * inside.images


def test_little_is_said_by_little(stores):
    pool, target, _ = stores
    one = MemoryStore(target.read([0]), ["0.png"])
    alone = likeness(pool, one)
    assert alone.use == "unknown" and np.isnan(alone.own)
    assert alone.to_dict()["own"] is None
    few = MemoryStore(pool.read(range(5)), [f"{row}.png" for row in range(5)])
    found = likeness(few, target)
    assert found.curve[0][0] == found.images == 5 and found.spread is None


def test_it_is_read_back(inside):
    assert Likeness.of_dict(inside.to_dict()) == inside

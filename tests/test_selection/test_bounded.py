"""Searches within a bound of memory: the same result, and no more than that is held."""

import ctypes
import gc
import os
import re
from pathlib import Path

import numpy as np
import pytest

from mmtaskssl.apis import MemoryStore, build_index, select
from mmtaskssl.features.store import FeatureStore
from mmtaskssl.selection import bounded, search
from mmtaskssl.selection.bounded import topk_within
from mmtaskssl.selection.bounds import check_top_rows, plan_exact
from mmtaskssl.utils.errors import UserError

from ._reference import make_store, random_features

MIB = 2**20


def pools(rows=1500, queries=60, dim=16):
    rng = np.random.default_rng(0)
    pool = MemoryStore(
        random_features(rng, rows, dim, copies=20), [str(i) for i in range(rows)]
    )
    target = random_features(rng, queries, dim)
    return pool, MemoryStore(target, [f"q{i}" for i in range(queries)])


def least_of(call, *args, **how):
    with pytest.raises(UserError, match="at least") as raised:
        call(*args, memory=1, **how)
    return int(re.search(r"written (\d+)MiB", str(raised.value))[1]) * MIB


@pytest.mark.parametrize("k", [1, 7, 100, 1500])
def test_the_result_is_the_same_bit_for_bit(k):
    pool, target = pools()
    queries, skip = target.read(), np.arange(1500) % 11 == 0
    usual = search.topk(queries, pool, k, skip=skip)
    least = least_of(topk_within, queries, pool, k, skip=skip)
    for memory in (least, least + MIB, 10**12):
        found = topk_within(queries, pool, k, skip=skip, memory=memory)
        assert np.array_equal(found.rows, usual.rows)
        assert np.array_equal(found.scores, usual.scores)


def test_less_memory_means_more_passes(monkeypatch):
    pool, target = pools()
    queries, passes = target.read(), []
    topk = search.topk
    monkeypatch.setattr(
        bounded, "topk", lambda q, *a, **k: (passes.append(len(q)), topk(q, *a, **k))[1]
    )
    topk_within(queries, pool, 500, memory=10**12)
    assert passes == [60]
    least = least_of(topk_within, queries, pool, 500)
    passes.clear()
    topk_within(queries, pool, 500, memory=least + MIB)
    assert len(passes) > 3 and sum(passes) == 60
    plan = plan_exact(60, 16, 1500, 500, least + MIB)
    assert plan.passes(60) == len(passes) and plan.bytes <= least + MIB


def test_plans_keep_to_their_bound_and_need_no_less():
    for queries, dim, k in ((1, 8, 1), (500, 256, 100), (20_000, 768, 1000)):
        with pytest.raises(UserError, match="at least") as raised:
            plan_exact(queries, dim, 10**6, k, 1)
        least = int(re.search(r"written (\d+)MiB", str(raised.value))[1])
        assert plan_exact(queries, dim, 10**6, k, least * MIB).bytes <= least * MIB
        with pytest.raises(UserError, match=f"at least {least:,} MiB"):
            plan_exact(queries, dim, 10**6, k, (least - 1) * MIB)
        usual = plan_exact(queries, dim, 10**6, k)
        assert plan_exact(queries, dim, 10**6, k, usual.bytes).queries == queries


def test_blocks_are_not_made_tiny_for_a_few_more_queries():
    queries, dim, k, rows = 10_000, 256, 2000, 10**6
    wide = plan_exact(1000, dim, rows, k).bytes + queries * k * 16
    plan = plan_exact(queries, dim, rows, k, wide)
    assert plan.block_rows >= 1000 and plan.passes(queries) <= 12


def test_selections_are_the_same():
    pool, target = pools()
    for how in ({}, {"policy": "simcore"}, {"policy": "score"}, {"per_query": 2}):
        least = least_of(select, pool, target, 200, **how)
        usual = select(pool, target, 200, **how)
        found = select(pool, target, 200, memory=least + 4 * MIB, **how)
        assert found.image_ids == usual.image_ids
        assert np.array_equal(found.selection.scores, usual.selection.scores)
        assert found.summary["inputs"] == usual.summary["inputs"]


def test_what_is_planned_is_said():
    pool, target = pools()
    said = []
    least = least_of(select, pool, target, 1000)
    select(pool, target, 1000, memory=least, log=said.append)
    (line,) = [line for line in said if line.startswith("expected")]
    assert re.search(r"in \d+ passes", line)


def _status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) * 1024 for x in lines if x.startswith(field))


def held_by(call):
    """Returns by how many bytes the peak of the process rises."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # what was freed before is not counted as there already
        trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the system does not let its peak be set back")
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


@pytest.mark.skipif(os.name != "posix", reason="reads /proc")
@pytest.mark.parametrize("alike", [False, True])
def test_no_more_is_held_than_was_planned(tmp_path, alike):
    rng = np.random.default_rng(0)
    rows = random_features(rng, 5000, 32)
    if alike:  # the worst case: every pair is a candidate
        rows[:] = rows[0]
    pool = make_store(tmp_path / "pool", rows, 2000)
    queries = MemoryStore(random_features(rng, 500, 32), [str(i) for i in range(500)])
    wanted = queries.read()
    topk_within(wanted[:5], pool, 5, memory=200 * MIB)  # what is loaded once is there
    bound = 70 * MIB
    plan = plan_exact(500, 32, 5000, 1000, bound)
    assert plan.passes(500) > 1 and plan.bytes <= bound
    held = held_by(lambda: topk_within(wanted, pool, 1000, memory=bound))
    assert held <= bound
    free = held_by(lambda: topk_within(wanted, pool, 1000))
    assert free > bound


@pytest.mark.skipif(os.name != "posix", reason="reads /proc")
def test_an_index_is_made_and_searched_within_its_bound(tmp_path):
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    pool = make_store(tmp_path / "pool", random_features(rng, 6000, 32), 2000)
    small = make_store(tmp_path / "small", random_features(rng, 500, 32))
    build_index(small, tmp_path / "warm").search(small.read(), small, 3)
    bound, wanted = 50 * MIB, pool.read(np.arange(500))
    held = held_by(lambda: build_index(pool, tmp_path / "index", memory=bound))
    assert held <= bound
    index = build_index(pool, tmp_path / "index")
    held = held_by(lambda: index.search(wanted, pool, 100, memory=bound))
    assert held <= bound


def test_a_shard_is_checked_in_pieces(tmp_path, monkeypatch):
    from mmtaskssl.features import sound

    rows = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    make_store(tmp_path / "pool", rows, 300)
    monkeypatch.setattr(sound, "_PIECE_BYTES", 1024)
    monkeypatch.setattr(sound, "check_listed", lambda *_: None)
    path = tmp_path / "pool" / "shard-00000.npy"
    shard = np.load(path, allow_pickle=False)
    shard[[7, 299], 3] = np.nan
    path.write_bytes(path.read_bytes()[: -shard.nbytes] + shard.tobytes())
    with pytest.raises(UserError, match="in 2 of its 300 rows, the first is row 7"):
        FeatureStore.open(tmp_path / "pool").read([0])


def test_rows_near_any_query_need_what_they_need():
    with pytest.raises(UserError, match="does not suffice for 5,000 images"):
        check_top_rows(100, 16, 10**6, 5000, MIB)
    check_top_rows(100, 16, 10**6, 5000, None)
    check_top_rows(100, 16, 10**6, 5000, 10**9)

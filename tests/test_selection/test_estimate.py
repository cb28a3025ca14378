"""What a selection says beforehand is measured on a part of the very search."""

import numpy as np
import pytest

from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.selection import estimate
from mmtaskssl.selection.task import SelectionTask


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    pool = MemoryStore(rng.normal(size=(40_000, 4)), [str(n) for n in range(40_000)])
    queries = MemoryStore(rng.normal(size=(600, 4)), [str(n) for n in range(600)])
    skip = np.zeros(40_000, bool)
    skip[:100] = True
    return SelectionTask(pool, queries.read(), skip, 4000)


def test_the_time_is_that_of_a_part_of_the_search(task, monkeypatch):
    now, asked = [0.0], []

    def topk(queries, pool, k, *, skip, device):
        rows = int((~skip).sum())
        now[0] += 1e-6 * rows * len(queries) + 5 * (not asked)  # the first one imports
        asked.append((len(queries), rows, k, bool(skip[:100].all())))

    monkeypatch.setattr(estimate, "topk", topk)
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: now[0])
    lines = estimate.describe(task, "round_robin")
    # 14 neighbours of 39,900 rows are 6 of 16,384.
    assert asked == [(512, 16_384, 6, True)] * 2
    assert lines[-1].startswith("expected about 24 s a search (24,000,000 pairs)")


def test_it_searches_in_truth_and_no_row_twice(task):
    read = []
    shards = task.pool.iter_shards
    task.pool.iter_shards = lambda skip=None: (
        read.append(int((~skip).sum())) or shards(skip)
    )
    assert 0 < estimate.pair_seconds(task) < 1e-4
    assert {*read} == {16_384}
    task.skip[:] = True
    assert estimate.pair_seconds(task) == 0

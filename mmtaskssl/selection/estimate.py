"""What a selection will cost, told before it starts."""

import time
from collections.abc import Sequence

import numpy as np

from ..features.store import FeatureStore
from ..utils.devices import pick_device
from ..utils.units import duration, size
from .approximate.options import POLICIES as BY_HITS
from .approximate.planning import IndexPlan
from .bounds import plan_exact
from .coarse import measure
from .search import topk
from .stream import BLOCK_ROWS, TILE_QUERIES
from .task import SelectionTask
from .toprows import buffer_width

# A search of so many rows for so many queries is tried, twice: it takes a tenth of a
# second, and the first one finds caches empty.
_ROWS, _QUERIES, _TRIES = 2**14, 512, 2
# Reading and bookkeeping beside the products of the making of an index.
_OVERHEAD = 1.6


def pair_seconds(task: SelectionTask) -> float:
    """Measures what a pair of a query and a pool row takes, by a search of some.

    Of a part of the rows as large a part of the neighbours is looked for, so that as
    many of its pairs are candidates as of the whole.

    Args:
        task: The problem; a part of its pool is read.
    """
    rows = np.flatnonzero(~task.skip)[:_ROWS]
    queries = task.queries[:_QUERIES]
    if not len(rows):
        return 0.0
    skip = np.ones_like(task.skip)
    skip[rows] = False
    k = max(1, round(task.first_k * len(rows) / task.reachable))
    seconds = []
    for _ in range(_TRIES):
        begin = time.perf_counter()
        topk(queries, task.pool, k, skip=skip, device=task.device)
        seconds.append(time.perf_counter() - begin)
    return min(seconds) / (len(queries) * len(rows))


def describe(
    task: SelectionTask,
    policy: str,
    excluded: Sequence[FeatureStore] = (),
    auto: bool = False,
) -> list[str]:
    """Describes the work in lines for the user.

    Args:
        task: The problem; its budget may still exceed the pool.
        policy: Name of the policy.
        excluded: Stores of the leak guard.
        auto: Whether as many images as are enough are wanted, of which the task's
            budget is a first guess.
    """
    num_queries, dim = task.queries.shape
    rows = len(task.pool)
    kept_out = sum(len(store) for store in excluded)
    pairs = rows * (num_queries + 2 * kept_out)
    tile = min(num_queries, TILE_QUERIES) * BLOCK_ROWS * 16 + BLOCK_ROWS * dim * 16
    memory = num_queries * dim * 12 + tile
    if not policy.startswith("random"):
        memory += 16 * num_queries * buffer_width(task.first_k)
    passes = ""
    if policy in BY_HITS and task.approximate is None and task.memory is not None:
        plan = plan_exact(num_queries, dim, rows, task.first_k, task.memory)
        memory, count = plan.bytes, plan.passes(num_queries)
        passes = f", in {count:,} passes" if count > 1 else ""
    wanted = "as many images as are enough" if auto else f"{task.budget:,} images"
    lines = [
        f"pool     {rows:,} images, {dim} features each: {size(2 * rows * dim)} to read"
        " a pass",
        f"target   {num_queries:,} images"
        + (f"; {kept_out:,} images to keep out" if kept_out else ""),
        f"budget   {wanted} by {policy}",
    ]
    if task.approximate is not None:
        return [*lines, *_by_index(task)]
    return [
        *lines,
        f"expected {duration(pairs * pair_seconds(task))} a search ({pairs:,} pairs"
        f"{passes}), about {size(memory)} of memory; a budget spread over few images "
        "may need more searches",
    ]


def _by_index(task: SelectionTask) -> list[str]:
    assert task.approximate is not None
    plan = task.approximate.plan(len(task.queries), task.pool, task.first_k)
    made = ""
    if plan.new_rows:
        device = pick_device(task.device)
        _, pairs_per_second = measure(*task.queries.shape, device)
        made = f"; {plan.new_rows:,} rows are put into it first, "
        made += duration(build_seconds(plan, pairs_per_second))
    return [
        f"search   approximate, in {plan.probes:,} of the {plan.manifest['lists']:,} "
        f"lists of an index, about {size(plan.search.bytes)} of memory{made}"
    ]


def build_seconds(plan: IndexPlan, pairs_per_second: float) -> float:
    """Returns about how long it takes to make what an index lacks."""
    return _OVERHEAD * plan.pairs / pairs_per_second

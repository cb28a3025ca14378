"""What a selection will cost, told before it starts."""

from collections.abc import Sequence

from ..features.store import FeatureStore
from ..utils.devices import pick_device
from ..utils.units import duration, size
from .approximate.options import POLICIES as BY_HITS
from .approximate.planning import IndexPlan
from .bounds import plan_exact
from .coarse import measure
from .stream import BLOCK_ROWS, TILE_QUERIES
from .task import SelectionTask
from .toprows import buffer_width

# Candidates, reading and bookkeeping beside the products themselves; measured with
# tools/benchmarks/speed_search.py.
_OVERHEAD = 1.6


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
    _, pairs_per_second = measure(num_queries, dim, pick_device(task.device))
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
    return [
        f"pool     {rows:,} images, {dim} features each: {size(2 * rows * dim)} to read"
        " a pass",
        f"target   {num_queries:,} images"
        + (f"; {kept_out:,} images to keep out" if kept_out else ""),
        f"budget   {wanted} by {policy}",
        *_by_index(task, pairs_per_second),
    ] + [
        f"expected {duration(_OVERHEAD * pairs / pairs_per_second)} a search "
        f"({pairs:,} pairs{passes}), about {size(memory)} of memory; a budget spread "
        "over few images may need more searches"
    ] * (task.approximate is None)


def _by_index(task: SelectionTask, pairs_per_second: float) -> list[str]:
    if task.approximate is None:
        return []
    plan = task.approximate.plan(len(task.queries), task.pool, task.first_k)
    made = f"; {plan.new_rows:,} rows are put into it first" if plan.new_rows else ""
    seconds = build_seconds(plan, pairs_per_second)
    return [
        f"search   approximate, in {plan.probes:,} of the {plan.manifest['lists']:,} "
        f"lists of an index, about {size(plan.search.bytes)} of memory{made}"
        + (f", {duration(seconds)}" if plan.new_rows else "")
    ]


def build_seconds(plan: IndexPlan, pairs_per_second: float) -> float:
    """Returns about how long it takes to make what an index lacks."""
    return _OVERHEAD * plan.pairs / pairs_per_second

"""What a selection will cost, told before it starts."""

from collections.abc import Sequence

from ..features.store import FeatureStore
from ..utils.devices import pick_device
from ..utils.units import duration, size
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
    wanted = "as many images as are enough" if auto else f"{task.budget:,} images"
    return [
        f"pool     {rows:,} images, {dim} features each: {size(2 * rows * dim)} to read"
        " a pass",
        f"target   {num_queries:,} images"
        + (f"; {kept_out:,} images to keep out" if kept_out else ""),
        f"budget   {wanted} by {policy}",
        f"expected {duration(_OVERHEAD * pairs / pairs_per_second)} a pass "
        f"({pairs:,} pairs), about {size(memory)} of memory; a budget spread over few "
        "images may need more passes",
    ]

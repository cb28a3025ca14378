"""How much memory a search holds, and how it is cut to hold less.

The numbers are upper bounds of what the code beside them allocates, in the worst case
that every pair of a block is a candidate; ``tests/test_selection/test_bounds.py``
compares them with what the system says.
"""

import dataclasses
import math
from collections.abc import Callable

from ..utils.errors import option
from ..utils.families import BadBudget
from .nearest import READ_BYTES
from .search import SAMPLE_ROWS
from .stream import BLOCK_ROWS, TILE_QUERIES, search_rows
from .toprows import buffer_width

# Buffers of libraries, and what is too small to be counted.
_REST = 24 << 20
# Bytes of a candidate pair (indices, rows, scores, and their copies), of a row of the
# buffer and what sorts it, of a hit that is returned and of its copy.
_PAIR, _KEPT, _SORTED, _HIT = 112, 16, 56, 32
# Bytes of a feature of a query (float32, coarse, float64 while norms are taken), and of
# one of a row of the block.
_QUERY, _ROW = 64, 28
# Rows that are searched to guess thresholds, of each query.
_GUESSED = 512
_LEAST_BLOCK, _LEAST_SAMPLE = 64, 4096
# What a small block costs beside its products, and to read a feature once more.
_BLOCK_SECONDS, _FEATURE_SECONDS = 7e-4, 1e-9
# Of approximate search: bytes of a candidate, through codes and exact scores.
_CANDIDATE = 260
# A row in faiss's lists, beside its code; lists grow by doubling.
_ROW_NUMBER, _DOUBLED = 8, 2


@dataclasses.dataclass(frozen=True)
class ExactPlan:
    """How an exact search is cut.

    Attributes:
        queries: Most queries of a pass over the store.
        block_rows: Rows of a block.
        sample_rows: Most rows that thresholds are guessed from.
        bytes: Held at most.
    """

    queries: int
    block_rows: int
    sample_rows: int
    bytes: int

    def passes(self, num_queries: int) -> int:
        """Returns how often the store is read."""
        return -(-num_queries // self.queries)


def plan_exact(
    num_queries: int,
    dim: int,
    rows: int,
    k: int,
    memory: int | None = None,
    held_beside: int = 0,
) -> ExactPlan:
    """Cuts an exact search so that it holds no more than it may.

    Args:
        num_queries: Queries.
        dim: Features a row.
        rows: Of the store.
        k: Neighbours a query.
        memory: Bytes; None: any.
        held_beside: Of these, bytes that something else holds.

    Raises:
        UserError: They do not suffice; says how many would.
    """
    fixed = _REST + rows + num_queries * k * _KEPT + held_beside
    usual = search_rows(dim)

    def held(queries: int, block: int, sample: int) -> int:
        tile = min(queries, TILE_QUERIES)
        own = queries * (dim * _QUERY + k * _HIT)
        found = queries * buffer_width(k) * _KEPT + tile * buffer_width(k) * _SORTED
        guess = sample * dim * 4 + queries * _GUESSED * _KEPT if sample else 0
        streamed = block * dim * _ROW + tile * block * _PAIR
        return fixed + own + streamed + max(found, guess)

    if memory is None:
        return ExactPlan(
            *(num_queries, usual, SAMPLE_ROWS),
            held(num_queries, usual, SAMPLE_ROWS),
        )

    def most_queries(limit: int, block: int) -> int:
        return _most(limit, lambda n: held(n, block, 0) <= memory)

    least = held(1, _LEAST_BLOCK, 0)
    if least > memory:
        raise too_little(memory, least, f"{num_queries:,} x {k:,} hits")
    blocks = [usual]
    while blocks[-1] > _LEAST_BLOCK:
        blocks.append(max(_LEAST_BLOCK, blocks[-1] // 2))
    cuts = [(most_queries(num_queries, block), block) for block in blocks]

    def seconds_a_row(cut: tuple[int, int]) -> float:
        passes = -(-num_queries // cut[0])
        return passes * (_BLOCK_SECONDS / cut[1] + dim * _FEATURE_SECONDS)

    queries, block = min((cut for cut in cuts if cut[0]), key=seconds_a_row)
    fits = _most(SAMPLE_ROWS, lambda n: held(queries, block, n) <= memory)
    sample = fits if fits >= _LEAST_SAMPLE else 0
    return ExactPlan(queries, block, sample, held(queries, block, sample))


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """Returns the largest number up to a limit that fits, 0 if none does."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def check_top_rows(
    num_queries: int, dim: int, rows: int, count: int, memory: int | None
) -> None:
    """Refuses memory that does not suffice for the rows nearest to any query.

    Args:
        num_queries: Queries.
        dim: Features a row.
        rows: Of the store.
        count: Rows wanted.
        memory: Bytes; None: any.

    Raises:
        UserError: It does not; says how many bytes would.
    """
    tile = min(num_queries, TILE_QUERIES)
    streamed = BLOCK_ROWS * (dim * 24 + tile * 8) + tile * dim * 8
    found = buffer_width(count) * (_KEPT + _SORTED)
    # Then they are read again, for the query of each.
    again = min(count * dim * 4, READ_BYTES) + count * _KEPT
    least = _REST + rows + num_queries * dim * 4 + streamed + max(found, again)
    least += BLOCK_ROWS * 64
    if memory is not None and least > memory:
        raise too_little(memory, least, f"{count:,} images")


@dataclasses.dataclass(frozen=True)
class ApproximatePlan:
    """How an approximate search is cut.

    Attributes:
        queries: Most queries of a pass over the index.
        index_rows: Rows of the index in memory at once.
        read_rows: Rows that are read for exact scores at once.
        bytes: Held at most.
    """

    queries: int
    index_rows: int
    read_rows: int
    bytes: int


def plan_approximate(
    num_queries: int,
    dim: int,
    k: int,
    candidates: int,
    *,
    rows: int,
    part_rows: int,
    width: int,
    lists: int,
    probes: int,
    memory: int | None = None,
) -> ApproximatePlan:
    """Cuts an approximate search so that it holds no more than it may.

    Args:
        num_queries: Queries.
        dim: Features a row.
        k: Neighbours a query.
        candidates: Of each query, scored exactly.
        rows: Of the index.
        part_rows: Of its largest part, which is the least that is searched at once.
        width: Bytes of a row in a part.
        lists: Of the index.
        probes: Lists that are looked through.
        memory: Bytes; None: any.

    Raises:
        UserError: They do not suffice; says how many would.
    """
    fixed = _REST + rows + num_queries * k * _KEPT + (lists + dim) * dim * 12
    each = dim * (4 + 8 + 4) + candidates * _CANDIDATE + probes * 12
    each += buffer_width(k) * (_KEPT + _SORTED) + k * _HIT
    row = _DOUBLED * (width + _ROW_NUMBER)

    def held(queries: int, index_rows: int, read_rows: int) -> int:
        # The largest part is numbered while it goes into the index.
        index = index_rows * row + min(part_rows, index_rows) * _ROW_NUMBER
        return fixed + queries * each + index + read_rows * dim * 16

    read = min(rows, max(BLOCK_ROWS, (1 << 26) // (4 * dim)))
    if memory is None:
        return ApproximatePlan(num_queries, rows, read, held(num_queries, rows, read))
    least = held(1, part_rows, _LEAST_BLOCK)
    if least > memory:
        raise too_little(memory, least, f"{num_queries:,} x {k:,} hits")
    # All of the index first, if most of the memory remains; then the queries.
    index_rows = max(part_rows, _most(rows, lambda n: held(1, n, 64) <= memory // 2))
    while read > _LEAST_BLOCK and held(1, index_rows, read) > memory:
        read //= 2
    queries = _most(num_queries, lambda n: held(n, index_rows, read) <= memory)
    return ApproximatePlan(
        max(1, queries), index_rows, read, held(max(1, queries), index_rows, read)
    )


def plan_index(
    dim: int,
    lists: int,
    width: int,
    *,
    rows: int,
    part_rows: int,
    sample: int,
    books: int,
    memory: int | None,
) -> tuple[int, int]:
    """Returns how many rows an index is fitted on, and how many get codes at once.

    Args:
        dim: Features a row.
        lists: Of the index.
        width: Bytes that are kept of a row.
        rows: Of the store.
        part_rows: Of the largest part that is made.
        sample: Rows that it is fitted on, if there is the memory.
        books: Of these, rows that code books are fitted on.
        memory: Bytes; None: any.

    Raises:
        UserError: They do not suffice for two rows a list.
    """
    step = max(1024, min(16384, (1 << 25) // (4 * dim)))
    coder = lists * dim * 16 + dim * dim * 40

    def held(count: int) -> int:
        fitting = rows * 25 + count * (dim * 6 + 24) + min(count, books) * dim * 20
        coding = part_rows * width + step * (dim * 20 + 8 * math.isqrt(lists))
        return _REST + coder + max(fitting, coding)

    least = min(2 * lists, sample)
    if memory is None:
        return sample, step
    if held(least) > memory:
        raise too_little(memory, held(least), f"an index of {lists:,} lists")
    return _most(sample, lambda n: held(n) <= memory), step


def too_little(memory: int, least: int, what: str) -> BadBudget:
    """Returns what refuses a bound of memory."""
    mebibytes = -(-least // 2**20)
    return BadBudget(
        f"{option('memory')} of {memory / 2**20:,.0f} MiB does not suffice for {what}: "
        f"at least {mebibytes:,} MiB would, written {mebibytes}MiB"
    )

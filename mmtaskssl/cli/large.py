"""The plan of a selection from a very large pool: passes, memory, an index."""

import argparse
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..features.store import FeatureStore

# Bytes that the id of an image takes in memory, as a text of Python in a list.
_ID = 100


@dataclasses.dataclass(frozen=True)
class Scale:
    """What a selection takes beside what grows with its pool.

    Attributes:
        passes: How often it reads the features, in words.
        seconds: Of the making of an index.
        written: Bytes of an index.
        bound: Bytes that the search may hold, with the ids; None: any.
    """

    passes: str = "1 pass over the features"
    seconds: float = 0.0
    written: int = 0
    bound: int | None = None

    def memory(self, expected: int, before: int) -> int:
        """Returns the peak of a run.

        Args:
            expected: By trials of parts, without a bound.
            before: Of the larger trial, with the interpreter and its packages.
        """
        if self.bound is None:
            return expected
        return min(max(expected, before), before + self.bound)


def plan(
    args: argparse.Namespace, pool: "FeatureStore", queries: int, budget: int
) -> Scale:
    """Plans the search of a selection.

    Args:
        args: Of the command line.
        pool: The store.
        queries: Images of the target.
        budget: Images wanted.

    Raises:
        UserError: The memory does not suffice, or the index does not fit.
    """
    if args.memory is None and args.approximate is None:
        return Scale()
    from ..selection.approximate.options import POLICIES, approximately
    from ..selection.approximate.planning import plan_by_index
    from ..selection.bounds import check_top_rows, plan_exact
    from ..selection.coarse import measure
    from ..selection.estimate import build_seconds
    from ..utils.budgets import count_bytes
    from ..utils.devices import pick_device

    memory = None if args.memory is None else count_bytes("memory", args.memory)
    bound = None if memory is None else memory + _ID * len(pool)
    usable = len(pool) - len(pool.bad_rows)
    k = min(math.ceil(2 * budget / queries), usable)
    how = approximately(
        *(args.approximate, args.lists, args.code_bytes, args.probes, args.rerank)
    )
    if how is not None:
        found = plan_by_index(how, pool, queries, k, memory)
        _, speed = measure(queries, pool.dim, pick_device(args.device))
        new = bool(found.new_rows)
        return Scale(
            ("1 pass over the features for an index, and " if new else "")
            + f"an index of {found.manifest['lists']:,} lists",
            build_seconds(found, speed),
            found.bytes if new else 0,
            bound,
        )
    if args.policy not in POLICIES:
        check_top_rows(queries, pool.dim, len(pool), budget, memory)
        return Scale(bound=bound)
    cut = plan_exact(queries, pool.dim, len(pool), k, memory)
    count = cut.passes(queries)
    return Scale(
        f"{count:,} pass{'es' if count > 1 else ''} over the features", bound=bound
    )


def of_trial(args: argparse.Namespace, out: Path) -> tuple[str, ...]:
    """Returns the options by which a small part is tried: an index of its own."""
    if args.approximate is None:
        return ()
    lists = () if args.lists is None else ("--lists", "1")
    return ("--approximate", f"{out}-index", *lists)

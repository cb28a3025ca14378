"""What an index and a search by it would take, before either is there."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from ...features.fingerprint import shard_digests
from ...features.store import FeatureStore
from ..bounds import ApproximatePlan, plan_approximate, plan_index
from .codes import BOOK_ROWS, ENTRIES, list_bytes
from .options import Approximate, candidates_of, usual_probes
from .planned import known_index, new_manifest, parts_to_make, sample_rows

# Passes of k-means over its sample, with the one that divides it among groups.
_FITTING = 11
# Groups of lists that a row is compared with the lists of.
_GROUPS = 2


@dataclasses.dataclass(frozen=True)
class IndexPlan:
    """An index that is to be made or gone on with, and a search by it.

    Attributes:
        manifest: Of the index, with the parts that it has.
        new_rows: Rows that are to be put into it.
        pairs: Products of a row and a centroid that this takes.
        bytes: Of the finished index.
        probes: Lists that the search looks through.
        search: How the search is cut.
    """

    manifest: dict[str, Any]
    new_rows: int
    pairs: int
    bytes: int
    probes: int
    search: ApproximatePlan


def plan_by_index(
    how: Approximate,
    pool: FeatureStore,
    num_queries: int,
    k: int,
    memory: int | None,
) -> IndexPlan:
    """Plans an approximate search, with what its index lacks.

    Args:
        how: The index, and how it is searched.
        pool: The store.
        num_queries: Queries.
        k: Neighbours a query.
        memory: Bytes; None: any.

    Raises:
        UserError: The memory does not suffice, or the index is of another store.
    """
    folder, digests = Path(how.folder).expanduser(), shard_digests(pool)
    manifest = known_index(folder, pool, digests, how.lists, how.code_bytes)
    if manifest is None:
        manifest = new_manifest(pool, how.lists, how.code_bytes)
    lists, size = manifest["lists"], manifest["code_bytes"]
    groups, width = math.isqrt(lists), size + list_bytes(lists)
    missing = parts_to_make(manifest, pool)
    new_rows = sum(missing)
    pairs, rows = 0, sum(part["rows"] for part in manifest["parts"]) + new_rows
    if missing:
        sample, _ = plan_index(
            *(pool.dim, lists, width),
            rows=len(pool),
            part_rows=max(missing),
            sample=sample_rows(pool, lists),
            books=BOOK_ROWS,
            memory=memory,
        )
        meets = groups + _GROUPS * lists // max(1, groups)
        # A code is chosen among all entries of each book: as much as so many products.
        pairs = new_rows * (meets + ENTRIES)
        if not manifest["files"]:
            pairs += _FITTING * sample * (groups + lists // max(1, groups))
    candidates = min(candidates_of(k, how.rerank), rows)
    probes = min(how.probes or usual_probes(lists, rows, candidates), lists)
    search = plan_approximate(
        *(num_queries, pool.dim, k, candidates),
        rows=rows,
        part_rows=max([*missing, *(part["rows"] for part in manifest["parts"])]),
        width=width,
        lists=lists,
        probes=probes,
        memory=memory,
    )
    arrays = (lists + groups + ENTRIES + pool.dim) * pool.dim * 4
    return IndexPlan(manifest, new_rows, pairs, rows * width + arrays, probes, search)

"""What summary.json says of a selection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmtaskssl

from ..features.fingerprint import fingerprint
from ..features.store import FeatureStore
from ..utils.budgets import AUTO
from ..utils.hashing import file_sha256
from . import inputs as reading
from . import stats
from .approximate.planned import index_inputs
from .duplicates.deduplicated import DUPLICATES
from .guard import Guarded
from .options import Options
from .task import Selection, SelectionTask


@dataclass(frozen=True)
class Stores:
    """What a selection reads.

    Attributes:
        pool: Images to select from.
        targets: The target's training images.
        excluded: Images whose copies must not be selected.
        unlike: Images that are like what is not wanted.
    """

    pool: FeatureStore
    targets: Sequence[FeatureStore]
    excluded: Sequence[FeatureStore]
    unlike: Sequence[FeatureStore] = ()


def describe_inputs(
    stores: Stores, methods: Sequence[str], budget: int | str, options: Options
) -> dict[str, Any]:
    """Describes all that a selection depends on.

    Args:
        stores: What it reads.
        methods: How the leak guard compares, one for each excluded store.
        budget: Images to select, or "auto".
        options: How to select.
    """
    described: dict[str, Any] = {
        "pool": fingerprint(stores.pool),
        "targets": [fingerprint(store) for store in stores.targets],
        "exclude": [fingerprint(store) for store in stores.excluded],
        "sources": options.sources and file_sha256(options.sources),
        "policy": options.policy,
        "budget": budget,
        "seed": options.seed,
        "threshold": options.threshold,
    }
    if stores.excluded:
        copies = [store.open_copies() for store in stores.excluded]
        described["leak_guard"] = [
            method if copy is None or method == "pixels" else fingerprint(copy)
            for method, copy in zip(methods, copies, strict=True)
        ]
    else:
        described["threshold"] = None
    # Of what was not asked for nothing is said, as by versions that did not know it.
    if limits := options.limits.asked():
        described["limits"] = limits
    if stores.unlike:
        described["unlike"] = [fingerprint(store) for store in stores.unlike]
    if options.duplicates is not None:
        described["duplicates"] = file_sha256(Path(options.duplicates, DUPLICATES))
    if options.approximate is not None:
        described["approximate"] = index_inputs(stores.pool, options.approximate)
    return described


def summarize(
    described: dict[str, Any],
    stores: Stores,
    pool_root: str,
    task: SelectionTask,
    queries: reading.Queries,
    guarded: Guarded,
    selection: Selection,
    copies: int = 0,
) -> dict[str, Any]:
    """Returns what was selected from what, and how similar it is to the target.

    Args:
        described: See `describe_inputs`.
        stores: What was read.
        pool_root: Folder of the pool's images.
        task: What was asked for.
        queries: The target's images.
        guarded: What the leak guard found.
        selection: What was selected.
        copies: Pool images that are left out as copies of others of the pool.
    """
    near, anywhere = stats.similarity_samples(task, selection)
    budget = described["budget"]
    return {
        "mmtaskssl": mmtaskssl.__version__,
        "inputs": described,
        "pool": {
            "store": str(stores.pool.path),
            "root": pool_root,
            "images": stores.pool.present,
            "reachable": task.reachable,
            "unusable": len(stores.pool.bad_rows) - len(stores.pool.removed_rows),
            "removed": len(stores.pool.removed_rows),
            "near_duplicates_of_excluded": len(guarded.leaks),
            "copies": copies,
        },
        "target": {
            "stores": [str(store.path) for store in stores.targets],
            "images": len(queries.image_ids),
            "unusable": len(queries.unusable),
        },
        "excluded": [str(store.path) for store in stores.excluded],
        **_wishes(described, stores),
        "leak_guard": guarded.facts,
        "policy": described["policy"],
        "seed": described["seed"],
        "budget": task.budget if budget == AUTO else budget,
        "selected": len(selection.rows),
        "notes": [],
        "similarity": {
            "selected": stats.quantiles(near),
            "random_pool": stats.quantiles(anywhere),
        },
        "queries": stats.query_shares(selection, len(queries.image_ids)),
    }


def _wishes(described: Mapping[str, Any], stores: Stores) -> dict[str, Any]:
    """Returns what was asked for beside a policy and a number."""
    found = {}
    if "limits" in described:
        found["limits"] = described["limits"]
    if stores.unlike:
        found["unlike"] = [str(store.path) for store in stores.unlike]
    return found

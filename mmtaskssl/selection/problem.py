"""A selection that is about to be made, and how it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..features.sources import StoreLike
from ..utils import checks
from ..utils.budgets import count_images
from ..utils.clock import Clock
from ..utils.devices import pick_device
from ..utils.families import NoImages
from . import inputs as reading
from . import output, stats
from .copies import copies_in
from .estimate import describe
from .guard import Guarded, guard, method_for
from .options import Options
from .policies import POLICIES
from .selected import Selected
from .stream import Progress
from .summary import Stores, describe_inputs, summarize
from .task import Selection, SelectionTask

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner

Log = Callable[[str], None]
ProgressFactory = Callable[[str, int], Progress]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A selection that is about to be made.

    Attributes:
        inputs: All that it depends on; JSON-ready.
        stores: What it reads.
        budget: Images asked for, reachable or not.
        options: How to select.
        methods: How the leak guard compares, one for each excluded store.
        root: Folder of the pool's images.
    """

    inputs: dict[str, Any]
    stores: Stores
    budget: int
    options: Options
    methods: list[str]
    root: str

    def solve(
        self, log: Log | None = None, progress: ProgressFactory | None = None
    ) -> Selected:
        """Selects; see `select`."""
        clock = Clock()
        options, pool, excluded = self.options, self.stores.pool, self.stores.excluded
        with clock.part("read"):
            queries = reading.read_queries(self.stores.targets)
            task = reading.make_task(pool, queries, self.budget, options.seed)
            task.device, names = options.device, None
            if options.sources is not None:
                found = reading.read_sources(str(options.sources), pool.image_ids)
                task.sources, names = found
        if log:
            for line in describe(task, options.policy, excluded):
                log(line)
        notes: list[str] = []
        guarded = Guarded([], [], [])
        if excluded:
            with clock.part("leak guard"):
                guarded = guard(
                    *(pool, excluded, self.methods, options.threshold),
                    pool_root=self.root,
                    skip=task.skip,
                    progress=progress and progress("leak guard", len(pool)),
                )
            task.skip[[leak.row for leak in guarded.leaks]] = True
            notes += guarded.notes
        with clock.part("copies"):
            copies = copies_in(pool, self.root, task.skip)
            task.skip[[*copies]] = True
        if copies:
            notes.append(
                f"{len(copies):,} pool images are copies, byte for byte, of others of "
                f"the pool and were left out: see {output.DROPPED}"
            )
        with clock.part("select"):
            task.progress = progress and progress("search", len(pool))
            selection = _run_policy(task, options.policy, notes)
        if unusable := len(pool.bad_rows) + len(queries.unusable):
            notes.append(
                f"{unusable} images have no usable feature and were left out: see "
                + output.DROPPED
            )
        with clock.part("measure"):
            summary = summarize(
                self.inputs,
                self.stores,
                self.root,
                task,
                queries,
                guarded,
                selection,
            )
        summary["notes"] = notes
        if names is not None and task.sources is not None:
            summary["sources"] = stats.source_shares(
                task.sources, names, selection.rows
            )
        summary["seconds"] = clock.seconds()
        roots = {str(store.path): store.root for store in excluded}
        roots["pool"] = self.root
        ids = pool.image_ids
        pairs = [(ids[row], ids[first]) for row, first in copies.items()]
        return Selected(selection, task, queries, guarded.leaks, roots, summary, pairs)


def prepare(
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    options: Options,
    exclude: StoreLike | Sequence[StoreLike] = (),
    network: NetworkLike | BatchRunner | None = None,
) -> Problem:
    """Opens and checks what a selection reads, without selecting.

    Args:
        pool: See `select`, as for all but ``options``.
        target: See above.
        budget: See above.
        options: How to select.
        exclude: See above.
        network: See above.

    Raises:
        UserError: See `select`.
    """
    pick_device(options.device)
    targets = _several("target", target)
    excluded = _several("exclude", exclude)
    stores = Stores(*reading.open_stores(pool, targets, excluded, network))
    wanted = count_images(budget, len(stores.pool))
    root = stores.pool.root if options.pool_root is None else str(options.pool_root)
    methods = [
        method_for(store, stores.pool, root, options.method)
        for store in stores.excluded
    ]
    inputs = describe_inputs(stores, methods, wanted, options)
    return Problem(inputs, stores, wanted, options, methods, root)


def _several(name: str, stores: StoreLike | Sequence[StoreLike]) -> list[StoreLike]:
    if isinstance(stores, StoreLike):
        return [stores]
    checks.listed(name, stores, "stores, or one")
    return list(stores)


def _run_policy(task: SelectionTask, policy: str, notes: list[str]) -> Selection:
    if task.reachable == 0:
        raise NoImages(
            "no pool image is left to select: all are unusable or copies of "
            "excluded images"
        )
    wanted, task.budget = task.budget, min(task.budget, task.reachable)
    if wanted >= task.reachable:
        notes.append(
            f"warning: the budget of {wanted} takes in the whole pool: all "
            f"{task.reachable} usable images are selected"
        )
        # Whatever the policy, the set is the same: take the cheapest order.
        policy = policy if policy.startswith("random") else "score"
    selection = POLICIES[policy](task)
    notes += selection.notes
    if len(selection.rows) < task.budget:
        notes.append(
            f"warning: stopped short at {len(selection.rows)} of {task.budget} images"
        )
    return selection

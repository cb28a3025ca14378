"""A selection that is about to be made, and how it is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..features.sources import StoreLike
from ..utils import checks
from ..utils.budgets import AUTO, count_images
from ..utils.clock import Clock
from ..utils.devices import pick_device
from ..utils.errors import option
from ..utils.families import BadBudget, NoImages, OptionConflict
from . import inputs as reading
from . import output, stats
from .admission import Admission
from .approximate.hits import ApproximateHits, note_of, searched_by_index
from .choosing import RANKING, choose, first_images
from .copies import copies_in
from .duplicates.staying import copies_of, read_duplicates
from .enough import FIRST, judge, suggest
from .estimate import describe
from .guard import Guarded, guard, method_for
from .kept_hits import KeptHits
from .options import Options
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
        budget: Images asked for, reachable or not; None: as many as are enough.
        options: How to select.
        methods: How the leak guard compares, one for each excluded store.
        root: Folder of the pool's images.
    """

    inputs: dict[str, Any]
    stores: Stores
    budget: int | None
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
            budget = self.budget or min(8 * FIRST, len(pool))
            task = reading.make_task(pool, queries, budget, options.seed)
            task.device, names = options.device, None
            task.memory = options.memory
            if options.approximate is not None:
                task.approximate = ApproximateHits(
                    *(options.approximate, options.memory, log, progress)
                )
            if options.sources is not None:
                found = reading.read_sources(
                    *(str(options.sources), pool.image_ids, pool.removed_ids)
                )
                task.sources, names = found
            admission = self._admission(task, queries)
            copies = self._known_copies(task)
        if log:
            for line in describe(task, options.policy, excluded, self.budget is None):
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
            copies |= copies_in(pool, self.root, task.skip)
            task.skip[[*copies]] = True
        if copies:
            how = "" if options.duplicates is not None else ", byte for byte,"
            notes.append(
                f"{len(copies):,} pool images are copies{how} of others of "
                f"the pool and were left out: see {output.DROPPED}"
            )
        with clock.part("select"):
            task.progress = progress and progress("search", len(pool))
            if options.hits is not None:
                task.kept = KeptHits(options.hits)
            enough = self._suggested(task) if self.budget is None else None
            selection = _run_policy(task, options.policy, notes, admission)
            if task.kept is not None:
                notes += task.kept.notes
        with clock.part("recall"):
            searched = searched_by_index(task)
        if searched is not None:
            notes.append(note_of(searched))
        broken = len(pool.bad_rows) - len(pool.removed_rows)
        if unusable := broken + len(queries.unusable):
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
                len(copies),
            )
            if enough is None and self._tells(selection, admission):
                anywhere = stats.nearest_similarities(task, stats.random_rows(task))
                whole = len(selection.rows) >= task.reachable
                enough = judge(selection.scores, task, anywhere, whole)
            if enough is not None:
                summary["enough"] = enough.to_dict()
                notes.append(enough.reason)
        if len(self.stores.targets) > 1 and queries.targets is not None:
            summary["target"]["selected"] = stats.target_shares(
                selection,
                *(queries.targets, summary["target"]["stores"]),
                None if admission is None else admission.quotas,
            )
        if searched is not None:
            summary["approximate"] = searched
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

    def _admission(
        self, task: SelectionTask, queries: reading.Queries
    ) -> Admission | None:
        """Returns the limits, None without any."""
        limits, unlike = self.options.limits, self.stores.unlike
        if not limits.asked() and not unlike:
            return None
        targets = queries.targets
        if targets is None:
            targets = np.zeros(len(task.queries), np.int64)
        against = reading.read_queries(unlike).features if unlike else None
        return Admission(task, limits, targets, against)

    def _known_copies(self, task: SelectionTask) -> dict[int, int]:
        """Leaves out what a result of `deduplicate` says are copies."""
        folder = self.options.duplicates
        if folder is None:
            return {}
        found = copies_of(read_duplicates(folder), task.pool, task.skip, str(folder))
        task.skip[[*found]] = True
        return found

    def _tells(self, selection: Selection, admission: Admission | None) -> bool:
        """Whether a selection's scores tell how many images are enough."""
        diverse = admission is not None and admission.limits.mmr_lambda is not None
        ranked = self.options.policy in RANKING and not diverse
        return ranked and len(selection.rows) >= FIRST

    def _suggested(self, task: SelectionTask) -> Any:
        """Sets the budget to as many images as are enough."""
        _check_reachable(task)
        rows = stats.random_rows(task)
        anywhere = stats.nearest_similarities(task, rows)
        policy = self.options.policy
        found = suggest(task, lambda k: first_images(task, policy, k), anywhere)
        assert found.images is not None
        task.budget = found.images
        return found


def prepare(
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    options: Options,
    exclude: StoreLike | Sequence[StoreLike] = (),
    network: NetworkLike | BatchRunner | None = None,
    unlike: StoreLike | Sequence[StoreLike] = (),
) -> Problem:
    """Opens and checks what a selection reads, without selecting.

    Args:
        pool: See `select`, as for all but ``options``.
        target: See above.
        budget: See above.
        options: How to select.
        exclude: See above.
        network: See above.
        unlike: See above.

    Raises:
        UserError: See `select`.
    """
    pick_device(options.device)
    targets = _several("target", target)
    excluded = _several("exclude", exclude)
    unwanted = _several("unlike", unlike)
    options.limits.check_targets(len(targets))
    if options.limits.unlike_last and not unwanted:
        raise OptionConflict(
            f"{option('unlike_last')} is of use only with {option('unlike')}"
        )
    opened = reading.open_stores(pool, targets, [*excluded, *unwanted], network)
    others = opened[2]
    stores = Stores(
        *(opened[0], opened[1], others[: len(excluded)], others[len(excluded) :])
    )
    if options.duplicates is not None:
        read_duplicates(options.duplicates)
    wanted = None if budget == AUTO else count_images(budget, stores.pool.present)
    if wanted is None and options.policy not in RANKING:
        raise BadBudget(
            f"{option('budget')} {AUTO} needs a policy that ranks images by their "
            f"similarity, and {options.policy} does not: name a number, or one of "
            + ", ".join(RANKING)
        )
    root = stores.pool.root if options.pool_root is None else str(options.pool_root)
    methods = [
        method_for(store, stores.pool, root, options.method)
        for store in stores.excluded
    ]
    inputs = describe_inputs(stores, methods, wanted or AUTO, options)
    return Problem(inputs, stores, wanted, options, methods, root)


def _several(name: str, stores: StoreLike | Sequence[StoreLike]) -> list[StoreLike]:
    if isinstance(stores, StoreLike):
        return [stores]
    checks.listed(name, stores, "stores, or one")
    return list(stores)


def _check_reachable(task: SelectionTask) -> None:
    if task.reachable == 0:
        raise NoImages(
            "no pool image is left to select: all are unusable or copies of "
            "excluded images"
        )


def _run_policy(
    task: SelectionTask, policy: str, notes: list[str], admission: Admission | None
) -> Selection:
    _check_reachable(task)
    wanted, task.budget = task.budget, min(task.budget, task.reachable)
    if wanted >= task.reachable and admission is None:
        notes.append(
            f"warning: the budget of {wanted} takes in the whole pool: all "
            f"{task.reachable} usable images are selected"
        )
        # Whatever the policy, the set is the same: take the cheapest order.
        policy = policy if policy.startswith("random") else "score"
    selection = choose(task, policy, admission)
    notes += selection.notes
    if admission is not None:
        notes += admission.notes
    if len(selection.rows) < task.budget:
        why = "" if admission is None else ": no others keep to the limits"
        notes.append(
            f"warning: stopped short at {len(selection.rows)} of {task.budget} images"
            + why
        )
    return selection

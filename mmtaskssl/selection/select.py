"""The whole way from stores to a selection."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.store import FeatureStore
from ..utils.budgets import count_images
from ..utils.clock import Clock
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError
from . import inputs as reading
from . import output, stats
from .estimate import describe
from .guard import METHODS, Guarded, guard, method_for
from .policies import POLICIES
from .selected import Selected
from .stream import Progress
from .summary import Stores, describe_inputs, summarize
from .task import Selection, SelectionTask

Log = Callable[[str], None]
ProgressFactory = Callable[[str, int], Progress]
StoreLike = FeatureStore | str | os.PathLike


def select(
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    *,
    policy: str = "round_robin",
    seed: int = 0,
    exclude: Sequence[StoreLike] = (),
    leak_guard: str = "auto",
    threshold: float | None = None,
    pool_root: str | Path | None = None,
    sources: str | Path | None = None,
    device: str = AUTO,
    log: Log | None = None,
    progress: ProgressFactory | None = None,
) -> Selected:
    """Selects the pool images most similar to a target (SEPT, arXiv 2212.05473).

    Args:
        pool: Features of the images to select from: a store, or its folder.
        target: Features of the target's training images, by the same extractor; one
            store or several.
        budget: Images to select, or "10%" of the pool.
        policy: A name in ``POLICIES``.
        seed: Of the policies that draw.
        exclude: Stores of images whose copies must not be selected: the target's
            validation and test images.
        leak_guard: How images are compared with these, see `guard.METHODS`.
        threshold: Cosine similarity from which two images count as the same; without
            it the guard chooses its own. It compares features, unless told otherwise.
        pool_root: Folder of the pool's images, if not the one in the store.
        sources: CSV with the source of every pool image; for measuring.
        device: Where the search runs; see `pick_device`. It changes the speed only.
        log: Takes a line for the user, on the work to come.
        progress: Makes, from a title and the pool's rows, a function to be called with
            the number of rows read so far.

    Returns:
        The chosen images; nothing is written.

    Raises:
        UserError: Stores that cannot be compared, a bad option, or nothing to select.
    """
    return prepare(
        pool,
        target,
        budget,
        policy=policy,
        seed=seed,
        exclude=exclude,
        leak_guard=leak_guard,
        threshold=threshold,
        pool_root=pool_root,
        sources=sources,
        device=device,
    ).solve(log, progress)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A selection that is about to be made.

    Attributes:
        described: All that it depends on.
        stores: What it reads.
        policy: A name in ``POLICIES``.
        budget: Images asked for, reachable or not.
        seed: Of the policies that draw.
        threshold: Of the leak guard; None: its own.
        methods: How the leak guard compares, one for each excluded store.
        pool_root: Folder of the pool's images.
        sources: CSV with the source of every pool image.
        device: Where the search runs.
    """

    described: dict[str, Any]
    stores: Stores
    policy: str
    budget: int
    seed: int
    threshold: float | None
    methods: list[str]
    pool_root: str
    sources: str | None
    device: str

    def solve(
        self, log: Log | None = None, progress: ProgressFactory | None = None
    ) -> Selected:
        """Selects; see `select`."""
        clock = Clock()
        pool, excluded = self.stores.pool, self.stores.excluded
        with clock.part("read"):
            queries = reading.read_queries(self.stores.targets)
            task, names = _make_task(pool, queries, self.budget, self.seed), None
            task.device = self.device
            if self.sources is not None:
                task.sources, names = reading.read_sources(self.sources, pool.image_ids)
        for line in describe(task, self.policy, excluded) if log else ():
            log(line)
        notes: list[str] = []
        guarded = Guarded([], [], [])
        if excluded:
            with clock.part("leak guard"):
                guarded = guard(
                    *(pool, excluded, self.methods, self.threshold),
                    pool_root=self.pool_root,
                    skip=task.skip,
                    progress=progress and progress("leak guard", len(pool)),
                )
            task.skip[[leak.row for leak in guarded.leaks]] = True
            notes += guarded.notes
        with clock.part("select"):
            task.progress = progress and progress("search", len(pool))
            selection = _run_policy(task, self.policy, notes)
        if unusable := len(pool.bad_rows) + len(queries.unusable):
            notes.append(
                f"{unusable} images have no usable feature and were left out: see "
                + output.DROPPED
            )
        with clock.part("measure"):
            summary = summarize(
                *(self.described, self.stores, self.pool_root),
                *(task, queries, guarded, selection),
            )
        summary["notes"] = notes
        if names is not None:
            summary["sources"] = stats.source_shares(
                task.sources, names, selection.rows
            )
        summary["seconds"] = clock.seconds()
        roots = {str(store.path): store.root for store in excluded}
        roots["pool"] = self.pool_root
        return Selected(selection, task, queries, guarded.leaks, roots, summary)


def prepare(
    pool: StoreLike,
    target: StoreLike | Sequence[StoreLike],
    budget: int | str,
    *,
    policy: str = "round_robin",
    seed: int = 0,
    exclude: Sequence[StoreLike] = (),
    leak_guard: str = "auto",
    threshold: float | None = None,
    pool_root: str | Path | None = None,
    sources: str | Path | None = None,
    device: str = AUTO,
) -> Problem:
    """Opens and checks what a selection reads, without selecting; see `select`."""
    if policy not in POLICIES:
        raise UserError(f"unknown policy {policy!r}; one of: {', '.join(POLICIES)}")
    pick_device(device)
    if leak_guard not in METHODS:
        raise UserError(
            f"unknown leak guard {leak_guard!r}; one of: {', '.join(METHODS)}"
        )
    if threshold is not None and leak_guard == "pixels":
        raise UserError(
            "a leak threshold is a similarity of features, which are not compared by "
            "pixels: leave it out, or compare features with --leak-guard features"
        )
    if threshold is not None and not -1 <= threshold <= 1:
        raise UserError(
            f"threshold {threshold} is no cosine similarity: it lies in -1..1"
        )
    if isinstance(target, FeatureStore | str | os.PathLike):
        target = [target]
    stores = Stores(*reading.open_stores(pool, target, exclude))
    wanted = count_images(budget, len(stores.pool))
    root = stores.pool.root if pool_root is None else str(pool_root)
    if leak_guard == "auto" and threshold is not None:
        leak_guard = "features"
    methods = [
        method_for(store, stores.pool, root, leak_guard) for store in stores.excluded
    ]
    sources = None if sources is None else str(sources)
    described = describe_inputs(
        *(stores, methods, policy, wanted), *(seed, threshold, sources)
    )
    return Problem(
        *(described, stores, policy, wanted, seed, threshold, methods, root),
        *(sources, device),
    )


def _make_task(
    pool: FeatureStore, queries: reading.Queries, budget: int, seed: int
) -> SelectionTask:
    task = SelectionTask(
        pool,
        queries.features,
        skip=np.zeros(len(pool), dtype=bool),
        budget=budget,
        seed=seed,
        labels=queries.labels,
        class_names=queries.class_names,
    )
    task.skip[pool.bad_rows] = True
    return task


def _run_policy(task: SelectionTask, policy: str, notes: list[str]) -> Selection:
    if task.reachable == 0:
        raise UserError(
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

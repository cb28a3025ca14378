"""The whole way from stores to a folder with the selection."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from ..features.store import FeatureStore
from ..utils.atomic import atomic_folder, write_text
from ..utils.devices import AUTO, pick_device
from ..utils.errors import UserError
from ..utils.outputs import check_replaceable, writing
from . import inputs as reading
from . import output, stats
from .budget import parse_budget
from .estimate import describe
from .guard import METHODS, Guarded, guard, method_for
from .policies import POLICIES
from .report import render
from .stream import Progress
from .summary import Stores, describe_inputs, summarize
from .task import Selection, SelectionTask

Log = Callable[[str], None]
ProgressFactory = Callable[[str, int], Progress]


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asks for.

    Attributes:
        pool: Feature store of the pool.
        targets: Feature stores of the target's training images.
        budget: "5000" or "10%".
        out: Folder to make.
        policy: A name in ``POLICIES``.
        seed: Of the policies that draw.
        exclude: Feature stores of images whose copies must not be selected.
        leak_guard: How images are compared with these, see `guard.METHODS`.
        threshold: Cosine similarity from which two images count as the same; without
            it the guard chooses its own. It compares features, unless told otherwise.
        pool_root: Folder of the pool's images, if not the one in the store.
        sources: CSV with the source of every pool image; for measuring.
        report: Whether to write the HTML page.
        overwrite: Whether to replace an earlier selection.
        device: Where the search runs; see `pick_device`. It changes the speed only.
    """

    pool: str
    targets: Sequence[str]
    budget: str
    out: str
    policy: str = "round_robin"
    seed: int = 0
    exclude: Sequence[str] = ()
    leak_guard: str = "auto"
    threshold: float | None = None
    pool_root: str | None = None
    sources: str | None = None
    report: bool = True
    overwrite: bool = False
    device: str = AUTO


@dataclasses.dataclass(frozen=True)
class Result:
    """What `select` did.

    Attributes:
        summary: As written to summary.json.
        new: False if the folder was complete already.
    """

    summary: dict[str, Any]
    new: bool


def select(
    options: Options,
    log: Log = print_log,
    progress: ProgressFactory | None = None,
) -> Result:
    """Selects images and writes the output folder, complete or not at all.

    Args:
        options: What to do.
        log: Takes a line for the user.
        progress: Makes, from a title and the pool's rows, a function to be called with
            the number of rows read so far.

    Raises:
        UserError: Bad input; nothing is written.
    """
    clock = _Clock()
    _check(options)
    with clock.part("read"):
        problem = _read(options)
    if problem is None:
        return Result(output.read_summary(options.out), new=False)
    stores, queries, task = problem.stores, problem.queries, problem.task
    pool, excluded = stores.pool, stores.excluded
    for line in describe(task, options.policy, excluded):
        log(line)

    notes: list[str] = []
    pool_root = _pool_root(options, pool)
    guarded = Guarded([], [], [])
    if excluded:
        with clock.part("leak guard"):
            guarded = guard(
                *(pool, excluded, problem.methods, options.threshold),
                pool_root=pool_root,
                skip=task.skip,
                progress=progress and progress("leak guard", len(pool)),
            )
        task.skip[[leak.row for leak in guarded.leaks]] = True
        notes += guarded.notes
    leaks = guarded.leaks
    with clock.part("select"):
        task.progress = progress and progress("search", len(pool))
        selection = _run_policy(task, options.policy, notes)
    unusable = [("pool", pool.image_ids[row]) for row in pool.bad_rows.tolist()]
    unusable += [("target", image) for image in queries.unusable]
    if unusable:
        notes.append(
            f"{len(unusable)} images have no usable feature and were left out: see "
            + output.DROPPED
        )
    with clock.part("measure"):
        summary = summarize(
            *(problem.described, stores, pool_root),
            *(task, queries, guarded, selection),
        )
    summary["notes"] = notes
    if problem.sources is not None:
        summary["sources"] = stats.source_shares(
            task.sources, problem.sources, selection.rows
        )
    with writing(options.out), atomic_folder(options.out) as folder:
        if options.report:
            with clock.part("report"):
                roots = {str(store.path): store.root for store in excluded}
                roots["pool"] = pool_root
                page = render(task, selection, queries, leaks, roots, summary)
                write_text(folder / output.REPORT, page)
        summary["seconds"] = clock.seconds
        ids = pool.image_ids, queries.image_ids
        output.write(folder, selection, *ids, leaks, unusable, summary)
    return Result(summary, new=True)


def _check(options: Options) -> None:
    if options.policy not in POLICIES:
        raise UserError(
            f"unknown policy {options.policy!r}; one of: {', '.join(POLICIES)}"
        )
    pick_device(options.device)
    if options.leak_guard not in METHODS:
        raise UserError(
            f"unknown leak guard {options.leak_guard!r}; one of: {', '.join(METHODS)}"
        )
    if options.threshold is not None and options.leak_guard == "pixels":
        raise UserError(
            "a leak threshold is a similarity of features, which are not compared by "
            "pixels: leave it out, or compare features with --leak-guard features"
        )
    if options.threshold is not None and not -1 <= options.threshold <= 1:
        raise UserError(
            f"threshold {options.threshold} is no cosine similarity: it lies in -1..1"
        )


@dataclasses.dataclass(frozen=True)
class _Problem:
    """What has been read.

    Attributes:
        described: All that the selection depends on.
        stores: What it reads.
        queries: The target's images.
        task: What the policy is given; its budget is what was asked for, reachable
            or not.
        sources: Names of the pool's sources; None: not known.
        methods: How the leak guard compares, one for each excluded store.
    """

    described: dict[str, Any]
    stores: Stores
    queries: reading.Queries
    task: SelectionTask
    sources: list[str] | None
    methods: list[str]


def _pool_root(options: Options, pool: FeatureStore) -> str:
    return pool.root if options.pool_root is None else options.pool_root


def _methods(options: Options, stores: Stores) -> list[str]:
    method = options.leak_guard
    if method == "auto" and options.threshold is not None:
        method = "features"
    root = _pool_root(options, stores.pool)
    return [method_for(store, stores.pool, root, method) for store in stores.excluded]


def _read(options: Options) -> _Problem | None:
    """Reads the stores; None: the folder holds this selection already."""
    stores = Stores(
        *reading.open_stores(options.pool, options.targets, options.exclude)
    )
    pool, wanted = stores.pool, parse_budget(options.budget, len(stores.pool))
    methods = _methods(options, stores)
    described = describe_inputs(
        *(stores, methods, options.policy, wanted),
        *(options.seed, options.threshold, options.sources),
    )
    check_replaceable(options.out, output.FILES, "a selection")
    if not options.overwrite and output.is_done(options.out, described, options.report):
        return None
    queries = reading.read_queries(stores.targets)
    task, names = _make_task(pool, queries, wanted, options.seed), None
    task.device = options.device
    if options.sources is not None:
        task.sources, names = reading.read_sources(options.sources, pool.image_ids)
    return _Problem(described, stores, queries, task, names, methods)


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


class _Clock:
    """Adds up seconds by part."""

    def __init__(self):
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begin, 3)

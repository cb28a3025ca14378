"""The plan of each command that has ``--dry-run``."""

import argparse
import dataclasses
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils.families import OptionConflict
from . import dry_run, large, trial
from .dry_run import Plan
from .extraction_plan import of_extract as of_extract
from .training_plans import of_pretrain as of_pretrain
from .training_plans import of_search as of_search


class DryRun(argparse.Action):
    """The flag; in a run of a trial, which has it from its plan, it says nothing."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=False, help=help)

    def __call__(
        self, parser: Any, namespace: Any, values: Any, option_string: Any = None
    ) -> None:
        """Asks for a plan."""
        setattr(namespace, self.dest, not trial.is_running())


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Adds ``--dry-run``."""
    parser.add_argument(
        "--dry-run",
        action=DryRun,
        help="print images, bytes, time, memory and disk that it would take, and stop",
    )


def of_select(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a selection."""
    from ..selection.duplicates.staying import read_duplicates
    from ..selection.guard import method_for
    from ..selection.output import SELECTION
    from ..selection.pixel_guard import MOST_READ
    from ..utils.budgets import AUTO, count_images
    from . import select_data

    how, auto = select_data.options_of(args), args.budget.strip() == AUTO
    pool = dry_run.open_store(args.pool, "--pool")
    chosen = pool.present
    if not auto:
        chosen = min(count_images(args.budget, pool.present), pool.present)
    elif args.memory or args.approximate:
        raise OptionConflict(
            "--dry-run of --budget auto plans exact searches of any memory: leave out "
            "--memory and --approximate, or name a --budget"
        )
    targets = sum(len(dry_run.open_store(one, "--target")) for one in args.target)
    excluded = [dry_run.open_store(one, "--exclude") for one in args.exclude]
    root = pool.root if args.pool_root is None else args.pool_root
    methods = [method_for(store, pool, root, how.method) for store in excluded]
    reads = len(pool) * pool.dim * 2
    scale = large.Scale() if auto else large.plan(args, pool, targets, chosen)
    passes = "a few passes over the features" if auto else scale.passes
    if by_pixels := "pixels" in methods:
        read = dry_run.spaced(pool.image_ids, MOST_READ)
        reads += dry_run.bytes_of_images(root, read)
        passes += f", and {len(read):,} images for the leak guard"
    sizes = dry_run.row_parts(len(pool), by_pixels=by_pixels, alike=auto)
    copies = read_duplicates(args.duplicates) if args.duplicates else {}

    def part(rows: int, out: Path) -> list[str]:
        store = dry_run.write_part(pool, rows, out.parent / f"pool-{rows}", copies)
        hits = ("--hits", f"{out}-hits") if args.hits else large.of_trial(args, out)
        budget = dry_run.scaled(args.budget, chosen, rows / len(pool))
        more = ("--pool", store, "--out", str(out), "--budget", budget)
        return trial.added(dry_run.words(argv), *more, *hits)

    with trial.folder() as place:
        found = trial.run("select_data", sizes, part, place)
        if auto:  # of a part of the pool, as large a part of it is enough
            lines = (found.out / SELECTION).read_bytes().count(b"\n")
            chosen = min(pool.present, round(lines * len(pool) / sizes[1]))
    about = "about " if auto and sizes[1] < len(pool) else ""
    plan = Plan.of(
        found,
        f"{about}{chosen:,} of {pool.present:,} images, by {targets:,} of the target",
        *(chosen, reads, passes, "rows", len(pool)),
    )
    return dataclasses.replace(
        plan,
        seconds=plan.seconds + scale.seconds,
        memory=scale.memory(plan.memory, found.bytes[1]),
        writes=plan.writes + scale.written,
    )


def of_cluster(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a clustering."""
    from ..clustering.options import parse_tree

    pool, levels = dry_run.open_store(args.pool, "--pool"), parse_tree(args.tree)
    leaves = math.prod(levels)
    sizes = dry_run.row_parts(len(pool), 16 * leaves)

    def part(rows: int, out: Path) -> list[str]:
        store = dry_run.write_part(pool, rows, out.parent / f"pool-{rows}")
        return trial.added(dry_run.words(argv), "--pool", store, "--out", str(out))

    with trial.folder() as place:
        found = trial.run("cluster_data", sizes, part, place)
    return Plan.of(
        found,
        f"{len(pool):,} images into {leaves:,} clusters",
        len(pool),
        len(pool) * pool.dim * 2,
        f"{len(levels)} passes over the features, one a level",
        "rows",
    )


def of_deduplicate(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of finding copies."""
    from ..selection.duplicates.looking import held_bytes
    from ..selection.duplicates.pool import Pool
    from . import deduplicate

    pool = Pool.open(args.pool, args.pool_root)
    count = len(pool.image_ids)
    store = pool.store
    by_rows = store is not None and args.by == "features"
    small, large = dry_run.row_parts(count) if by_rows else dry_run.IMAGE_PARTS
    sizes = min(small, max(1, count - 1)), min(large, count)
    words = dry_run.words(argv)

    def part(rows: int, out: Path) -> list[str]:
        if store is not None:
            new = dry_run.write_part(store, rows, out.parent / f"pool-{rows}")
        else:
            some = dry_run.spaced(pool.image_ids, rows)
            new = dry_run.write_list(out.parent, f"pool-{rows}.txt", some)
        found = trial.replaced(words, deduplicate.make_parser(), "pool", new)
        return trial.added(found, "--pool-root", str(pool.root), "--out", str(out))

    with trial.folder() as place:
        found = trial.run("deduplicate", sizes, part, place)
    images = dry_run.bytes_of_images(pool.root, pool.image_ids)
    reads = count * store.dim * 2 if by_rows and store is not None else images
    plan = Plan.of(found, f"{count:,} images", count, reads, "1 pass", "images")
    if by_rows:
        return plan
    # Not a line through the peaks of so few images, most of which is no image's.
    more = held_bytes(count) - held_bytes(sizes[1]) if args.by == "pixels" else 0
    return dataclasses.replace(plan, memory=found.bytes[1] + more)


def of_take(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of taking images out of their pool."""
    from ..selection.output import SELECTION, SUMMARY, TABLE
    from ..selection.taking.items import selected_items
    from . import take

    items = selected_items(args.selection, args.images, args.edited_selection)
    total = sum(item.size for item in items)
    small, large = dry_run.IMAGE_PARTS
    sizes = min(small, max(1, len(items) - 1)), min(large, len(items))
    words = dry_run.words(argv)
    given = Path(args.selection)
    beside = given if given.is_dir() else given.parent

    def part(count: int, out: Path) -> list[str]:
        new = out.parent / f"selection-{count}"
        new.mkdir(exist_ok=True)
        some = dry_run.spaced([item.source for item in items], count)
        dry_run.write_list(new, SELECTION, some)
        for name in (SUMMARY, TABLE):  # where the pool is, and the reasons
            if (beside / name).is_file():
                shutil.copy(beside / name, new)
        found = trial.replaced(words, take.make_parser(), "selection", str(new))
        # A part of it is not what was selected.
        return trial.added(found, "--edited-selection", "--out", str(out))

    with trial.folder() as place:
        found = trial.run("take", sizes, part, place)
    work = f"{len(items):,} images"
    return Plan.of(found, work, len(items), total, "1 pass", "images")

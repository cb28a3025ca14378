"""The plan of each command that has ``--dry-run``."""

import argparse
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..utils.families import OptionConflict
from . import dry_run, large, trial
from .dry_run import IMAGES, Plan


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


def of_extract(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of an extraction: of the images that are to be done."""
    from ..customize.diagnosis.step_cost import peak_bytes
    from ..datasets.images import list_images
    from ..features.fill import costs
    from ..features.opening import open_runner
    from ..features.writer import FeatureStoreWriter
    from .extractor import network_of, running_of

    root, image_ids = list_images(args.images, args.root, args.column)
    runner = open_runner(**network_of(args), **running_of(args))
    dim, todo, rows = runner.probe_dim(), [*image_ids], args.rows_per_shard
    if Path(args.out, "manifest.json").is_file() and not args.overwrite:
        writer = FeatureStoreWriter(args.out)
        done = {*range(writer.num_shards)} - {*writer.missing_shards()}
        ranges = [writer.shard_range(index) for index in done]
        known = {i for a, b in ranges for i in writer.image_ids[a:b]}
        todo = [image for image in image_ids if image not in known]
    some = dry_run.spaced(todo, IMAGES)
    read, compute, each = costs(runner, root, some) if some else (0.0, 0.0, 0.0)
    with trial.folder() as place:
        few = dry_run.spaced(image_ids, 2)
        one = [dry_run.write_list(place, f"{n}.txt", few[:n]) for n in (1, 2)]
        words = dry_run.words(argv)
        found = trial.run(
            "extract_features",
            (1, 2),
            lambda n, out: trial.added(
                words,
                *("--images", one[min(n, len(few)) - 1], "--root", str(root)),
                *("--out", str(out), "--workers", "0"),
                *(("--to-parquet", f"{out}.parquet") if args.to_parquet else ()),
            ),
            place,
        )
    # The run measures a batch, too, before it begins.
    begun = min(len(todo), args.batch_size) * (read + 2 * compute)
    shards = -(-len(todo) // rows)
    ids = sum(len(image.encode("utf-8", "surrogateescape")) + 1 for image in todo)
    # A line of the record and one of the manifest for each shard.
    files = len(todo) * dim * 2 + shards * (128 + 180 + 8) + ids + 2500
    buffers = min(rows, len(todo)) * dim * 8
    return Plan(
        f"{len(todo):,} images, {dim} features each",
        len(todo),
        found.first + len(todo) * each + begun,
        dry_run.bytes_of_images(root, todo),
        max(peak_bytes(), found.bytes[1]) + buffers,
        files,
        "1 pass",
        f"{len(some)} images",
        {"decode": read, "network": compute},
    )


def of_select(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a selection."""
    from ..features.store import FeatureStore
    from ..utils.budgets import count_images

    if args.budget.strip() == "auto":
        raise OptionConflict(
            "--dry-run needs a --budget in images, or in % of the pool"
        )
    pool = dry_run.open_pool(args, "--pool")
    chosen = min(count_images(args.budget, pool.present), pool.present)
    targets = sum(len(FeatureStore.open(one)) for one in args.target)
    sizes = dry_run.row_parts(len(pool))
    scale = large.plan(args, pool, targets, chosen)

    def part(rows: int, out: Path) -> list[str]:
        store = dry_run.write_part(pool, rows, out.parent / f"pool-{rows}")
        hits = ("--hits", f"{out}-hits") if args.hits else large.of_trial(args, out)
        budget = dry_run.scaled(args.budget, chosen, rows / len(pool))
        more = ("--pool", store, "--out", str(out), "--budget", budget)
        return trial.added(dry_run.words(argv), *more, *hits)

    with trial.folder() as place:
        found = trial.run("select_data", sizes, part, place)
    return Plan(
        f"{chosen:,} of {pool.present:,} images, by {targets:,} of the target",
        chosen,
        found.time(len(pool)) + scale.seconds,
        len(pool) * pool.dim * 2,
        scale.memory(found.memory(len(pool)), found.bytes[1]),
        found.written(len(pool)) + scale.written,
        scale.passes,
        f"{sizes[0]:,} and {sizes[1]:,} rows",
    )


def of_cluster(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of a clustering."""
    from ..clustering.options import parse_tree

    pool, levels = dry_run.open_pool(args, "--pool"), parse_tree(args.tree)
    leaves = math.prod(levels)
    sizes = dry_run.row_parts(len(pool), 16 * leaves)

    def part(rows: int, out: Path) -> list[str]:
        store = dry_run.write_part(pool, rows, out.parent / f"pool-{rows}")
        return trial.added(dry_run.words(argv), "--pool", store, "--out", str(out))

    with trial.folder() as place:
        found = trial.run("cluster_data", sizes, part, place)
    return Plan(
        f"{len(pool):,} images into {leaves:,} clusters",
        len(pool),
        found.time(len(pool)),
        len(pool) * pool.dim * 2,
        found.memory(len(pool)),
        found.written(len(pool)),
        f"{len(levels)} passes over the features, one a level",
        f"{sizes[0]:,} and {sizes[1]:,} rows",
    )


def of_deduplicate(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of finding copies."""
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
    return Plan(
        f"{count:,} images",
        count,
        found.time(count),
        count * store.dim * 2 if by_rows and store is not None else images,
        found.memory(count),
        found.written(count),
        "1 pass",
        f"{sizes[0]:,} and {sizes[1]:,} images",
    )


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
    return Plan(
        f"{len(items):,} images",
        len(items),
        found.time(len(items)),
        total,
        found.memory(len(items)),
        found.written(len(items)),
        "1 pass",
        f"{sizes[0]:,} and {sizes[1]:,} images",
    )

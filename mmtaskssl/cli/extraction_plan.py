"""The plan of an extraction: of images, objects in them, and their copies."""

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import dry_run, trial
from .dry_run import IMAGES, Plan

if TYPE_CHECKING:
    from ..features.runner import BatchRunner

# Bytes of a store beside its features and ids; of each shard, its lines of the record
# and of the manifest, and what its file begins with.
_STORE, _SHARD = 2500, 128 + 180 + 8
_LABEL = 8


@dataclasses.dataclass(frozen=True)
class _Share:
    """What is computed into one store.

    Attributes:
        todo: Ids of the rows that are not there yet.
        read: Seconds to read one.
        compute: Seconds of the network for one.
        each: Seconds between one and the next.
        tried: Rows that these were measured on.
    """

    todo: Sequence[str]
    read: float
    compute: float
    each: float
    tried: int

    @classmethod
    def of(
        cls,
        runner: "BatchRunner",
        root: Path,
        ids: Sequence[str],
        out: str,
        overwrite: bool,
    ) -> "_Share":
        """Measures some of the rows that a store lacks.

        Args:
            runner: Reads and computes.
            root: Folder of the images.
            ids: Of all rows.
            out: The store, whether it is there or not.
            overwrite: Whether one that is there counts for nothing.
        """
        import torch

        from ..features.fill import costs, opened_writer
        from ..features.sources import is_store

        todo = ids
        if is_store(out) and not overwrite:
            with opened_writer(out) as writer:
                done = {*range(writer.num_shards)} - {*writer.missing_shards()}
                ranges = [writer.shard_range(index) for index in done]
                known = {i for a, b in ranges for i in writer.image_ids[a:b]}
            todo = [name for name in ids if name not in known]
        some = dry_run.spaced(todo, IMAGES)
        found = costs(runner, root, some) if some else (0.0, 0.0, 0.0)
        whole = min(len(todo), runner.batch_size)
        if whole > len(some):  # which takes more memory than some of it
            size = runner.transform.image_size
            runner.forward(torch.zeros(whole, size, size, 3, dtype=torch.uint8))
        return cls(todo, *found, len(some))

    def seconds(self, batch: int) -> float:
        """Returns what it takes; a batch is measured, too, before it begins."""
        begun = min(len(self.todo), batch) * (self.read + 2 * self.compute)
        return len(self.todo) * self.each + begun

    def writes(self, dim: int, rows_per_shard: int) -> int:
        """Returns the bytes of its files."""
        count = len(self.todo)
        shards = -(-count // rows_per_shard)
        return count * dim * 2 + shards * _SHARD + self._names + _STORE

    def table(self, dim: int) -> int:
        """Returns the bytes of its rows in a table for other tools."""
        return len(self.todo) * (dim * 4 + 8) + self._names

    @property
    def _names(self) -> int:
        return sum(len(i.encode("utf-8", "surrogateescape")) + 1 for i in self.todo)


def of_extract(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of an extraction: of what is to be done."""
    from ..datasets.images import list_images
    from ..datasets.regions import read_region, read_regions
    from ..features.copies import CopyReader, copy_names
    from ..features.layout import COPIES, ROWS_PER_SHARD
    from ..features.opening import open_runner
    from ..utils.peak import peak_bytes
    from .extractor import network_of, running_of

    root, image_ids = list_images(args.images, args.root, args.column)
    runner = open_runner(**network_of(args), **running_of(args))
    dim, out, ids = runner.probe_dim(), str(args.out), [*image_ids]
    if args.boxes:
        ids, runner = (
            [*read_regions(args.boxes, image_ids)],
            runner.reading(read_region),
        )
        image_ids = [*dict.fromkeys(_image(name) for name in ids)]
    share = _Share.of(runner, root, ids, out, args.overwrite)
    shares, files = [share], [_image(i) if args.boxes else i for i in share.todo]
    writes = share.writes(dim, args.rows_per_shard)
    if args.boxes or args.labels:
        writes += len(share.todo) * _LABEL
    if args.leak_copies:
        reading = runner.reading(CopyReader(root))
        copies = (root, copy_names(ids), os.path.join(out, COPIES), args.overwrite)
        shares.append(share := _Share.of(reading, *copies))
        files += [_image(name) for name in share.todo]
        writes += share.writes(dim, ROWS_PER_SHARD)
    if args.to_parquet:
        writes += shares[0].table(dim)
    with trial.folder() as place:
        few = dry_run.spaced(image_ids, 2)
        lists = [dry_run.write_list(place, f"{n}.txt", few[:n]) for n in (1, 2)]
        words = dry_run.words(argv)
        found = trial.run(
            "extract_features",
            (1, 2),
            lambda n, out: trial.added(
                words,
                *("--images", lists[min(n, len(few)) - 1], "--root", str(root)),
                *("--out", str(out), "--workers", "0"),
                *(("--to-parquet", f"{out}.parquet") if args.to_parquet else ()),
            ),
            place,
        )
    first, count = shares[0], sum(len(one.todo) for one in shares)
    what = f"{len(first.todo):,} images, {dim} features each"
    if args.boxes:
        images = len({*files})
        what = f"{count:,} objects in {images:,} images, {dim} features each"
    elif args.leak_copies:
        what = f"{len(first.todo):,} images and {count - len(first.todo):,} copies, "
        what += f"{dim} features each"
    seconds = sum(one.seconds(args.batch_size) for one in shares)
    rows = min(args.rows_per_shard, max(len(one.todo) for one in shares))
    return Plan(
        what,
        count,
        found.first + seconds,
        dry_run.bytes_of_images(root, files),
        max(peak_bytes(), found.bytes[1]) + rows * dim * 8,
        writes,
        "an image for each of its objects" if args.boxes else "1 pass",
        f"{sum(one.tried for one in shares)} images",
        {"decode": first.read, "network": first.compute},
    )


def _image(name: str) -> str:
    """Returns which image an object or a copy is of."""
    return name.rpartition("@")[0]

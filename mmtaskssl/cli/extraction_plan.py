"""The plan of an extraction: of images, parts of them, and their copies."""

import argparse
import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from . import dry_run, trial
from .dry_run import IMAGES, Plan

if TYPE_CHECKING:
    from ..features.parts import RegionOptions
    from ..features.runner import BatchRunner

# Bytes of a store beside its features and ids; of each shard, its lines of the record
# and of the manifest, and what its file begins with.
_STORE, _SHARD = 2500, 128 + 180 + 8
_LABEL = 8
# Images of which all regions are measured on, at least.
_LEAST_IMAGES = 8


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
        together: bool = False,
    ) -> "_Share":
        """Measures some of the rows that a store lacks.

        Args:
            runner: Reads and computes.
            root: Folder of the images.
            ids: Of all rows.
            out: The store, whether it is there or not.
            overwrite: Whether one that is there counts for nothing.
            together: Whether what is of one image is measured together, as its mask is
                read once for all of them.
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
        some = _of_images(todo) if together else dry_run.spaced(todo, IMAGES)
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


@dataclasses.dataclass
class _Parts:
    """What is computed in place of whole images.

    Attributes:
        boxes: Annotations of objects.
        regions: Masks.
        how: See `RegionOptions`.
        seconds: To find all parts, beyond those of two images.
        reads: Bytes of the masks.
    """

    boxes: str | None
    regions: str | None
    how: "RegionOptions"
    seconds: float = 0.0
    reads: int = 0

    @classmethod
    def of(cls, args: argparse.Namespace) -> "_Parts":
        """Returns what a command line says, having refused what contradicts."""
        from ..features.parts import check_parts

        how: RegionOptions = {
            "regions_of": args.regions_of,
            "least_area": args.least_area,
            "void": args.void,
            "around": args.around,
        }
        whole = {"labels": args.labels, "leak_copies": args.leak_copies}
        check_parts(args.boxes, args.regions, how, whole)
        return cls(args.boxes, args.regions, how)

    @property
    def annotations(self) -> bool:
        """Whether there are any."""
        return (self.boxes or self.regions) is not None

    @property
    def masks(self) -> bool:
        """Whether a mask is read with each."""
        return self.regions is not None and self.how["around"] == "grey"

    @property
    def name(self) -> str:
        """What each is called."""
        if self.regions is not None:
            return "regions"
        return "images" if self.boxes is None else "objects"

    def find(
        self, runner: "BatchRunner", root: Path, image_ids: Sequence[str]
    ) -> tuple[list[str], "BatchRunner"]:
        """Returns the parts of images and what reads them; measures what that takes."""
        from ..features.parts import parts_of_images

        given = self.boxes, self.regions, self.how
        begin = time.perf_counter()
        found = parts_of_images(runner, root, image_ids, *given)
        whole = time.perf_counter() - begin
        # The trial reads the annotations of two images, or a whole JSON.
        few = [*dict.fromkeys(map(_image, found.labels))][:2]
        begin = time.perf_counter()
        parts_of_images(runner, root, few, *given)
        self.seconds = max(0.0, whole - (time.perf_counter() - begin))
        if found.masks is not None:
            self.reads = dry_run.bytes_of_images(*found.masks)
        return [*found.labels], found.runner


def of_extract(args: argparse.Namespace, argv: Sequence[str] | None) -> Plan:
    """Returns the plan of an extraction: of what is to be done."""
    from ..datasets.images import list_images
    from ..features.copies import CopyReader, copy_names
    from ..features.layout import COPIES, ROWS_PER_SHARD
    from ..features.opening import open_runner
    from ..utils.peak import peak_bytes
    from .extractor import network_of, running_of

    parts = _Parts.of(args)
    root, image_ids = list_images(args.images, args.root, args.column)
    runner = open_runner(**network_of(args), **running_of(args))
    dim, out, ids = runner.probe_dim(), str(args.out), [*image_ids]
    if parts.annotations:
        ids, runner = parts.find(runner, root, image_ids)
        image_ids = [*dict.fromkeys(_image(name) for name in ids)]
    few = dry_run.spaced(image_ids, 2)
    share = _Share.of(runner, root, ids, out, args.overwrite, parts.masks)
    shares = [share]
    files = [_image(i) if parts.annotations else i for i in share.todo]
    writes = share.writes(dim, args.rows_per_shard)
    if parts.annotations or args.labels:
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
    if parts.annotations:
        images = len({*files})
        what = f"{count:,} {parts.name} in {images:,} images, {dim} features each"
    elif args.leak_copies:
        what = f"{len(first.todo):,} images and {count - len(first.todo):,} copies, "
        what += f"{dim} features each"
    seconds = sum(one.seconds(args.batch_size) for one in shares)
    rows = min(args.rows_per_shard, max(len(one.todo) for one in shares))
    once = f"an image for each of its {parts.name}" if parts.annotations else "1 pass"
    return Plan(
        what,
        count,
        found.first + parts.seconds + seconds,
        dry_run.bytes_of_images(root, files) + parts.reads,
        max(peak_bytes(), found.bytes[1]) + rows * dim * 8,
        writes,
        once,
        f"{sum(one.tried for one in shares)} {parts.name}",
        {"decode": first.read, "network": first.compute},
    )


def _image(name: str) -> str:
    """Returns which image a part or a copy is of."""
    return name.rpartition("@")[0]


def _of_images(names: Sequence[str]) -> list[str]:
    """Returns some parts: those of evenly spaced images, which follow each other."""
    by_image: dict[str, list[str]] = {}
    for name in names:
        by_image.setdefault(_image(name), []).append(name)
    many = round(IMAGES * len(by_image) / max(1, len(names)))
    some = dry_run.spaced([*by_image], max(_LEAST_IMAGES, many))
    return [name for image in some for name in by_image[image][:IMAGES]]

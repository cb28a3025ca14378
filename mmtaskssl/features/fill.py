"""Fills a feature store, and says beforehand what that costs."""

import datetime
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import barrier, get_dist_info

from ..utils.cores import num_cores
from ..utils.families import DiskFull
from ..utils.interrupts import going_on
from ..utils.remote.addresses import named
from .claims import Claims
from .layout import ROWS_PER_SHARD
from .runner import BatchRunner, ImageFiles, collate
from .store import FeatureStore
from .writer import FeatureStoreWriter

Log = Callable[[str], None]


@going_on()
def extract_to_store(
    runner: BatchRunner,
    root: Path,
    image_ids: Sequence[str],
    out: str | os.PathLike,
    *,
    labels: Sequence[str | None] | None = None,
    source: str = "",
    rows_per_shard: int = ROWS_PER_SHARD,
    append: bool = False,
    overwrite: bool = False,
    log: Log = lambda text: None,
) -> FeatureStore:
    """Fills a feature store, or continues one that an earlier run began.

    In a process group each rank computes its share of the missing shards; processes
    without a group that fill one store take shards as they come.

    Args:
        runner: Reads and computes.
        root: Folder of the images.
        image_ids: Paths below ``root``.
        out: The store.
        labels: Class name of each image, None where unknown.
        source: What the user named as the source.
        rows_per_shard: Rows of each shard; work lost when a run is killed.
        append: Adds images to a store that exists, see `FeatureStoreWriter.prepare`.
        overwrite: Begins anew, whatever store is there.
        log: Receives lines on what is to be done and how far it is.

    Returns:
        The complete store.

    Raises:
        UserError: See `FeatureStoreWriter`.
    """
    rank, world = get_dist_info()
    if rank == 0:
        FeatureStoreWriter.prepare(
            out,
            image_ids,
            dim=runner.probe_dim(),
            extractor=runner.extractor.description,
            transform=runner.transform.describe(),
            root=named(root, resolve=True),
            source=source,
            labels=labels,
            rows_per_shard=rows_per_shard,
            append=append,
            overwrite=overwrite,
        )
    barrier()
    writer = FeatureStoreWriter(out)
    missing = writer.missing_shards()
    if rank == 0:
        _announce(writer, runner, root, missing, world, log)
    barrier()  # nobody writes before everybody has listed what is missing
    _fill(writer, runner, root, missing[rank::world], log if rank == 0 else None)
    barrier()
    if rank == 0:
        writer.finish()
    barrier()
    return FeatureStore.open(out)


def _fill(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    shards: Sequence[int],
    log: Log | None,
) -> None:
    world = get_dist_info()[1]
    who = f"rank 0 of {world}: " if world > 1 else ""
    sizes = [stop - start for start, stop in map(writer.shard_range, shards)]
    progress = _Progress(sum(sizes), log, who)
    with Claims(writer) as claims:
        while shards:
            _compute(writer, runner, root, claims, shards, progress)
            shards = sorted({*shards} & {*writer.missing_shards()})
            if shards:  # another process has them, or was killed with them
                claims.wait(shards[0])


def _compute(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    claims: Claims,
    shards: Sequence[int],
    progress: "_Progress",
) -> None:
    """Computes those shards that nobody else does."""
    taken: deque[int] = deque()

    def ranges() -> Iterator[tuple[int, int]]:
        for index in claims.take(shards):
            taken.append(index)
            yield writer.shard_range(index)

    for rows, values, bad in runner.run(root, writer.image_ids, ranges()):
        start, stop = writer.shard_range(taken[0])
        if rows[0] == start:
            features = np.empty((stop - start, writer.manifest["dim"]), np.float32)
            broken: dict[int, str] = {}
        features[rows[0] - start : rows[-1] + 1 - start] = values
        broken.update({rows[i] - start: reason for i, reason in bad.items()})
        progress.add(len(rows))
        if rows[-1] + 1 == stop:
            writer.write_shard(taken[0], features, broken)
            claims.release(taken.popleft())


def _announce(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    missing: Sequence[int],
    world: int,
    log: Log,
) -> None:
    """Says what is to be done and what it costs, before it is done."""
    ranges = [writer.shard_range(i) for i in missing]
    todo = sum(b - a for a, b in ranges)
    rows, dim = writer.manifest["rows"], writer.manifest["dim"]
    log(
        f"{rows:,} images, {dim} features each; {writer.num_shards - len(ranges)} of "
        f"{writer.num_shards} shards are done, {todo:,} images to do"
    )
    if not todo:
        return
    log(f"pixels: {runner.transform}")
    size = todo * dim * 2
    free = shutil.disk_usage(writer.path).free
    log(f"disk: {_bytes(size)} to write, {_bytes(free)} free")
    if size > free:
        raise DiskFull(
            f"{writer.path} needs {_bytes(size)} and its disk has {_bytes(free)}: "
            "free some space or choose another folder"
        )
    sample = range(ranges[0][0], min(ranges[0][0] + runner.batch_size, ranges[0][1]))
    images = ImageFiles(root, writer.image_ids, runner.transform, runner.read)
    begin = time.perf_counter()
    batch, _ = collate([images[i] for i in sample])
    read = (time.perf_counter() - begin) / len(sample)
    runner.forward(batch)  # the first pass also warms up
    begin = time.perf_counter()
    runner.forward(batch)
    compute = (time.perf_counter() - begin) / len(sample)
    if runner.workers == 0:
        each = read + compute
    elif runner.device.type == "cpu":  # workers and network share the cores
        each = max(read / runner.workers, compute + read / num_cores())
    else:
        each = max(read / runner.workers, compute)
    log(
        f"time: about {_duration(todo * each / world)} (one image: {read * 1e3:.1f} ms "
        f"to read, {compute * 1e3:.1f} ms to compute)"
    )


class _Progress:
    """Says at most every ten seconds how far the work is."""

    def __init__(
        self, total: int, log: Log | None, who: str, every: float = 10.0
    ) -> None:
        self.total, self.log, self.who, self.every = total, log, who, every
        self.done = 0
        self.begin = self.said = time.perf_counter()

    def add(self, count: int) -> None:
        self.done += count
        now = time.perf_counter()
        last = self.done == self.total
        if self.log is None or (now - self.said < self.every and not last):
            return
        self.said = now
        rate = self.done / max(now - self.begin, 1e-9)
        left = _duration((self.total - self.done) / rate)
        self.log(
            f"{self.who}{self.done:,}/{self.total:,} images, {rate:,.0f} images/s, "
            f"ETA {left}"
        )


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if count < 100 else f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def _duration(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))

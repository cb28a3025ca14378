"""Fills a feature store, and says beforehand what that costs."""

import contextlib
import functools
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from mmengine.dist import barrier, get_dist_info

from ..utils.cores import num_cores
from ..utils.errors import UserError
from ..utils.families import DiskFull
from ..utils.interrupts import going_on
from ..utils.remote.addresses import address_of, is_remote, named
from .bucket.claims import BucketClaims
from .bucket.planning import prepare_at
from .bucket.writer import BucketWriter
from .claims import Claims
from .filling import Log, Progress, spelled
from .layout import ROWS_PER_SHARD
from .runner import BatchRunner, ImageFiles, collate
from .store import FeatureStore
from .writer import FeatureStoreWriter

#: What computes shards; all do the same bytes.
Engine = Literal["processes", "ray"]


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
    engine: Engine = "processes",
) -> FeatureStore:
    """Fills a feature store, or continues one that an earlier run began.

    Shards are taken as they come: by the ranks of a process group, by processes that
    were started apart, and by machines that come and go, see `Claims`.

    Args:
        runner: Reads and computes.
        root: Folder of the images.
        image_ids: Paths below ``root``.
        out: The store: a folder, or an address (see `bucket`).
        labels: Class name of each image, None where unknown.
        source: What the user named as the source.
        rows_per_shard: Rows of each shard; work lost when a run is killed.
        append: Adds images to a store that exists, see `FeatureStoreWriter.prepare`.
        overwrite: Begins anew, whatever store is there.
        log: Receives lines on what is to be done and how far it is.
        engine: Who computes: "processes" that are started, or actors of "ray".

    Returns:
        The complete store.

    Raises:
        UserError: See `FeatureStoreWriter`.
    """
    rank, world = get_dist_info()
    if engine == "ray":
        from . import on_ray  # late: it fills by what is here

        on_ray.check(world)
    if rank == 0:
        prepare: Callable[..., Any] = functools.partial(FeatureStoreWriter.prepare, out)
        if is_remote(out):
            prepare = functools.partial(prepare_at, address_of(out))
        prepare(
            image_ids,
            append=append,
            overwrite=overwrite,
            dim=runner.probe_dim(),
            extractor=runner.extractor.description,
            transform=runner.transform.describe(),
            root=named(root, resolve=True),
            source=source,
            labels=labels,
            rows_per_shard=rows_per_shard,
        )
    barrier()
    with opened_writer(out, append) as writer:
        missing = writer.missing_shards()
        if rank == 0:
            _announce(writer, runner, root, missing, world, log)
        # A rank begins with its own share: else all would try to take the same shards.
        shards = [*missing[rank::world], *(i for i in missing if i % world != rank)]
        barrier()
        if engine == "ray":
            on_ray.fill(writer, runner, root, missing, log)
        else:
            fill(writer, runner, root, shards, log if rank == 0 else None)
        barrier()
        if rank == 0:
            writer.finish()
    barrier()
    return FeatureStore.open(out)


@contextlib.contextmanager
def opened_writer(
    out: str | os.PathLike, append: bool = False
) -> Iterator[FeatureStoreWriter]:
    """Yields what writes a prepared store, in a folder or at an address.

    Args:
        out: The store.
        append: Whether it was prepared to be added to.

    Raises:
        UserError: There is none.
    """
    if not is_remote(out):
        yield FeatureStoreWriter(out)
        return
    with tempfile.TemporaryDirectory(prefix="mmtaskssl-") as folder:
        yield BucketWriter(address_of(out), Path(folder, "store"), append)


def fill(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    shards: Sequence[int],
    log: Log | None = None,
) -> None:
    """Computes shards, or waits until others have; then all of them are written.

    Args:
        writer: The store.
        runner: Reads and computes.
        root: Folder of the images.
        shards: Those that are missing, in the order in which they are tried.
        log: Receives lines on how far all are.
    """
    progress = Progress(writer, shards, log)
    claims = writer.claims() if isinstance(writer, BucketWriter) else Claims(writer)
    with claims:
        while shards:
            compute_free(writer, runner, root, claims, shards, progress)
            missing = {*writer.missing_shards()}
            shards = [index for index in shards if index in missing]
            if shards:  # another process has them, or was killed with them
                claims.wait(shards)
    progress.end()


def compute_free(
    writer: FeatureStoreWriter,
    runner: BatchRunner,
    root: Path,
    claims: Claims | BucketClaims,
    shards: Sequence[int],
    progress: Progress | None = None,
) -> None:
    """Computes those shards that nobody else does.

    Args:
        writer: The store.
        runner: Reads and computes.
        root: Folder of the images.
        claims: Tell whether somebody else does.
        shards: In the order in which they are tried.
        progress: Is told of each batch.
    """
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
        if progress is not None:
            progress.say(rows[-1] + 1 - start)
        if rows[-1] + 1 == stop:
            _write(writer, claims, taken[0], features, broken)
            claims.release(taken.popleft())


def _write(
    writer: FeatureStoreWriter,
    claims: Claims | BucketClaims,
    index: int,
    features: np.ndarray,
    broken: Mapping[int, str],
) -> None:
    if claims.is_lost(index) and writer.has_shard(index):
        return  # maybe the whole store is written: nothing may be added to it
    try:
        writer.write_shard(index, features, broken)
    except UserError:
        # An heir sweeps away what it takes for the litter of a dead process.
        if not claims.is_lost(index):
            raise


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
    # The folder of one that writes elsewhere holds a shard at a time.
    far = isinstance(writer, BucketWriter)
    size = (max(b - a for a, b in ranges) if far else todo) * dim * 2
    free = shutil.disk_usage(writer.path).free
    log(f"disk: {_bytes(size)} to write, {_bytes(free)} free")
    if size > free:
        raise DiskFull(
            f"{writer.path} needs {_bytes(size)} and its disk has {_bytes(free)}: "
            "free some space or choose another folder"
        )
    first = ranges[0][0]
    sample = writer.image_ids[first : min(first + runner.batch_size, ranges[0][1])]
    read, compute, each = costs(runner, root, sample)
    log(
        f"time: about {spelled(todo * each / world)} (one image: {read * 1e3:.1f} ms "
        f"to read, {compute * 1e3:.1f} ms to compute)"
    )


def costs(
    runner: BatchRunner, root: Path, image_ids: Sequence[str]
) -> tuple[float, float, float]:
    """Measures what an image takes.

    Args:
        runner: Reads and computes.
        root: Folder of the images.
        image_ids: Some, at least one.

    Returns:
        Seconds to read it, for the network to compute, and between one and the next
        where both go on at once.
    """
    images = ImageFiles(root, image_ids, runner.transform, runner.read)
    begin = time.perf_counter()
    samples = [images[i] for i in range(len(image_ids))]
    read = (time.perf_counter() - begin) / len(image_ids)
    size = runner.batch_size
    batches = [
        collate(samples[at : at + size])[0] for at in range(0, len(samples), size)
    ]
    runner.forward(batches[0])  # the first pass also warms up
    begin = time.perf_counter()
    for batch in batches:
        runner.forward(batch)
    compute = (time.perf_counter() - begin) / len(image_ids)
    if runner.workers == 0:
        return read, compute, read + compute
    if runner.device.type == "cpu":  # workers and network share the cores
        return (
            read,
            compute,
            max(read / runner.workers, compute + read / num_cores()),
        )
    return read, compute, max(read / runner.workers, compute)


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if count < 100 else f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"

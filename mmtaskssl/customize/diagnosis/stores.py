"""Features of the target's and the pool's images, by one start at one side."""

import dataclasses
import os
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...evaluation.data import LabeledFeatures
from ...features.extract import extract
from ...features.layout import ROWS_PER_SHARD
from ...features.memory import MemoryStore
from ...features.opening import open_runner
from ...features.runner import BatchRunner
from ...features.store import FeatureStore
from ...networks import Network
from ...utils.atomic import write_json
from ...utils.families import ImagesMismatch
from ...utils.inputs import read_json
from ..inspection.inspected import Inspected
from ..race.judge import check_broken, labelled
from ..starts import Start

TRAIN, POOL = "train", "pool"
Log = Callable[[str], None]
_UNUSUAL = re.compile(r"[^\w.-]+")


@dataclasses.dataclass(frozen=True)
class Stores:
    """Extracts features, each once.

    Attributes:
        found: Pool and target.
        folder: Keeps them, and what was begun is gone on with; None: they stay in
            memory.
        device: See `pick_device`.
        workers: See `open_runner`.
        log: Takes lines on the work.
        share: Keeps the pool's features instead, for other targets, too.
        help: Has other processes help with the pool's features, see `Steps.help`; None:
            there are none.
    """

    found: Inspected
    folder: Path | None
    device: str
    workers: int | None
    log: Log
    share: Path | None = None
    help: Callable[..., None] | None = None

    def runner(self, network: Network, side: int) -> BatchRunner:
        """Returns what runs a network on images of a side."""
        return open_runner(
            network, image_size=side, device=self.device, workers=self.workers
        )

    def train(self, start: Start, runner: BatchRunner) -> FeatureStore:
        """Returns the features of the target's training images.

        Raises:
            UserError: An image cannot be read any more.
        """
        split = self.found.train
        single = self.found.kind == "classification"
        store = extract(
            runner,
            split.image_ids,
            root=split.root,
            labels=[one for (one,) in split.labels] if single else None,
            out=self._out(start, runner, TRAIN),
            log=self.log,
        )
        check_broken(split, {one["image"]: one["reason"] for one in store.quarantine})
        return store

    def pool(
        self, start: Start, runner: BatchRunner, images: int | None, seed: int
    ) -> FeatureStore:
        """Returns the features of the pool's images.

        Args:
            start: Whose features.
            runner: Runs it.
            images: Of more, as many at random; None: all.
            seed: Of the draw.
        """
        ids = drawn(self.found.pool_ids, images, seed)
        if self.share is not None:
            shared = self.share / self._name(start, runner, POOL)
            self._helped(start, runner, ids, shared, seed)
            return extract_shared(runner, ids, self.found.pool_root, shared, self.log)
        out = self._out(start, runner, POOL)
        if out is not None:
            self._helped(start, runner, ids, out, seed)
        return extract(runner, ids, root=self.found.pool_root, out=out, log=self.log)

    def _helped(
        self,
        start: Start,
        runner: BatchRunner,
        ids: Sequence[str],
        out: Path,
        seed: int,
    ) -> None:
        """Lets others compute shards of a store, before this process looks at it."""
        if self.help is None or FeatureStore.is_complete(out):
            return
        side = runner.transform.image_size
        names = out.parent / f"{out.name}-ids.json"
        names.parent.mkdir(parents=True, exist_ok=True)
        write_json(names, [*ids])
        self.help(
            *(f"features of the pool at {side} px", -(-len(ids) // ROWS_PER_SHARD)),
            *(extract_part, start.text, side, str(names), self.found.pool_root),
            *(str(out), seed),
        )
        names.unlink()

    def labelled(self, store: FeatureStore) -> LabeledFeatures:
        """Returns the training images' features beside their labels."""
        x = torch.from_numpy(store.read())
        return labelled(x, self.found.train, self.found.class_names)

    def _out(self, start: Start, runner: BatchRunner, part: str) -> Path | None:
        return (
            None
            if self.folder is None
            else self.folder / self._name(start, runner, part)
        )

    def _name(self, start: Start, runner: BatchRunner, part: str) -> str:
        return name_of(start, runner.transform.image_size, part)


def name_of(start: Start, side: int, part: str) -> str:
    """Returns the name of the folder of some features.

    Args:
        start: By which.
        side: Of the images, pixels.
        part: `TRAIN` or `POOL`.
    """
    return f"{_UNUSUAL.sub('-', start.name)}-{side}px-{part}"


def drawn(ids: Sequence[str], images: int | None, seed: int) -> list[str]:
    """Draws images to look at.

    Args:
        ids: Of the pool.
        images: How many; None: all.
        seed: Of the draw.
    """
    if images is None or images >= len(ids):
        return [*ids]
    return sorted(random.Random(seed).sample([*ids], images))


def extract_shared(
    runner: BatchRunner, ids: Sequence[str], root: str, folder: Path, log: Log
) -> FeatureStore:
    """Returns the features of pool images, from a folder that targets share.

    Args:
        runner: Extracts those that are not there yet.
        ids: Which images.
        root: Their folder.
        folder: Of this network's features.
        log: Takes lines on the work.
    """
    more = FeatureStore.is_complete(folder)  # without what another target keeps out
    store = extract(runner, ids, root=root, out=folder, append=more, log=log)
    return _some_of(store, ids)


def shared_pool(
    share: str | os.PathLike, start: Start, side: int, ids: Sequence[str]
) -> FeatureStore | None:
    """Reads the features of pool images from a folder that targets share.

    Args:
        share: The folder.
        start: Whose features.
        side: Of the images, pixels.
        ids: Which images.

    Returns:
        None: they are not there any more.
    """
    return read_shared(Path(share) / name_of(start, side, POOL), ids)


def read_shared(folder: Path, ids: Sequence[str]) -> FeatureStore | None:
    """Returns what `extract_shared` left there; None: it is not there any more.

    Args:
        folder: Of a network's features.
        ids: Which images.
    """
    if not FeatureStore.is_complete(folder):
        return None
    store = FeatureStore.open(folder)
    if not {*ids} <= {*store.image_ids}:
        return None
    return _some_of(store, ids)


def extract_part(
    start: str, side: int, ids: str, root: str, out: str, seed: int
) -> None:
    """Computes shards of a store that nobody else computes, until all are there.

    Args:
        start: Its text, see `Start.parse`.
        side: Of the images that it sees, pixels.
        ids: File with the list of images.
        root: Their folder.
        out: The store.
        seed: Of weights that are drawn.
    """
    runner = open_runner(Start.parse(start).open(seed), image_size=side)
    extract(runner, read_json(Path(ids)), root=root, out=out, log=print)


def _some_of(store: FeatureStore, ids: Sequence[str]) -> MemoryStore:
    """Returns the rows of some images, in their order."""
    rows = {image: row for row, image in enumerate(store.image_ids)}
    chosen = np.array([rows[image] for image in ids])
    bad = {int(row) for row in store.bad_rows}
    broken = {place: "no feature" for place, row in enumerate(chosen) if row in bad}
    return MemoryStore(
        store.read(chosen),
        ids,
        root=store.root,
        extractor=store.manifest["extractor"],
        transform=store.manifest["transform"],
        broken=broken,
        name=str(store.path),
    )


def rows_not_in(store: FeatureStore, found: Inspected) -> np.ndarray:
    """Returns (N,) bool, rows of a pool's store that may not be trained on.

    Args:
        store: Of the whole pool.
        found: Says which images may.

    Raises:
        UserError: It lacks images of the pool.
    """
    ids = {image: row for row, image in enumerate(store.image_ids)}
    lacking = [image for image in found.pool_ids if image not in ids]
    if lacking:
        raise ImagesMismatch(
            f"{store.path} has no features of {len(lacking)} images of the pool, such "
            f"as {lacking[0]}: extract all of {found.pool_root}"
        )
    skip: np.ndarray = np.ones(len(store), bool)
    skip[[ids[image] for image in found.pool_ids]] = False
    return skip

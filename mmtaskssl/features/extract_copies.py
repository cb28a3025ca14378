"""Extracts the features of transformed copies, see ``copies.py``."""

from pathlib import Path

import numpy as np

from .copies import FOLDER, copy_names, read_copy
from .extract import Log, extract_to_store
from .runner import BatchRunner
from .store import FeatureStore


class _Reader:
    """Reads copies for a runner; a class, so that worker processes can have it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, path: Path, short_side: int) -> np.ndarray:
        return read_copy(self.root, path.relative_to(self.root).as_posix(), short_side)


def extract_copies(
    runner: BatchRunner, store: FeatureStore, log: Log = lambda text: None
) -> FeatureStore:
    """Fills ``STORE/copies``, or continues it.

    Args:
        runner: The one that filled the store.
        store: Of the images that the target is evaluated on.
        log: See `extract_to_store`.
    """
    bad = set(store.bad_rows.tolist())
    good = [image for row, image in enumerate(store.image_ids) if row not in bad]
    root = Path(store.root)
    before, runner.read = runner.read, _Reader(root)
    try:
        return extract_to_store(
            *(runner, root, copy_names(good), store.path / FOLDER),
            source=f"copies of {store.path.name}",
            append=True,  # as the store may have grown
            log=log,
        )
    finally:
        runner.read = before

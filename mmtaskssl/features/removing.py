"""Images that leave a store; its shards stay as they are."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..runs import Record, alone
from ..utils import checks
from ..utils.errors import option
from ..utils.families import BadValue, ImagesMismatch, NoImages
from ..utils.remote.addresses import is_remote, shown
from . import layout, plan
from .store import FeatureStore


def remove_images(
    store: FeatureStore | str | os.PathLike, images: Sequence[str] | str | os.PathLike
) -> FeatureStore:
    """Marks images of a store as removed: nothing uses them any more.

    Their rows stay in the shards, which are not written again; `FeatureStore.save`
    writes a store without them. `extract` with ``append`` takes an image back that is
    listed again.

    Args:
        store: A store on disk.
        images: Ids, or a text file with one a line. Those removed before stay so.

    Returns:
        The store as it is now.

    Raises:
        UserError: The store is none or is in memory, it has no such image, or nothing
            would be left of it.
    """
    if not isinstance(store, str | os.PathLike):
        if not (isinstance(store, FeatureStore) and store.folder.is_dir()):
            raise BadValue(
                "images are removed from a feature store on disk, which "
                f"{checks.shown(store)} is not: save it first"
            )
        store = store.path
    if is_remote(path := Path(store)):
        raise BadValue(
            f"a store under an address stays as it is: open {shown(path)}, save it to "
            "a folder, and remove images there"
        )
    if isinstance(images, str | os.PathLike):
        images = layout.read_id_file(images)
    checks.listed("remove", images, "image ids")
    with alone(path):
        opened = FeatureStore.open(path)
        row_of = {image: row for row, image in enumerate(opened.image_ids)}
        unknown = [image for image in images if image not in row_of]
        if unknown:
            raise ImagesMismatch(
                f"{path} has no image {unknown[0]!r} ({len(unknown):,} of the "
                f"{len(images):,} to remove are not in it): {option('remove')} takes "
                "ids as its ids.txt has them"
            )
        gone = np.array([row_of[image] for image in images], np.int64)
        rows = np.union1d(opened.removed_rows, gone)
        if len(rows) == len(opened):
            raise NoImages(f"nothing would be left of {path}: delete the folder")
        _mark(path, opened, rows)
    return FeatureStore.open(path)


def _mark(path: Path, opened: FeatureStore, rows: np.ndarray) -> None:
    """Writes which rows are removed; a kill leaves what was, or what is to be."""
    manifest = dict(opened.manifest)
    manifest[layout.REMOVED] = layout.runs_of(rows)
    manifest["format"] = layout.FORMAT
    work = plan.work_of(manifest)
    record = Record.read(path)
    known = dict(record.files) if record is not None else {}
    known.pop(layout.MANIFEST, None)
    # Until the last line the record lists no manifest, and so fits either one.
    work.describe(path, False, known).write(path)
    layout.write_json(path / layout.MANIFEST, manifest)
    work.describe(path, True, known, work.files).write(path)

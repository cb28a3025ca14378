"""Which rows of a pool a result of `deduplicate` leaves."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from ...features.store import FeatureStore
from ...runs import Record, verify
from ...utils.families import FileDamaged, ImagesMismatch, NotAResult
from ..output import read_csv
from .deduplicated import DUPLICATES, KIND


def read_duplicates(folder: str | os.PathLike) -> dict[str, str]:
    """Reads, of each image that has copies, which one of its group stays.

    Args:
        folder: What `Deduplicated.save` wrote.

    Raises:
        UserError: It is none, is not finished, or was changed.
    """
    record = Record.read(folder)
    if record is None or record.kind != KIND or not record.complete:
        raise NotAResult(
            f"{folder} holds no result of deduplicate: run it on the pool with another "
            "folder for its answer, and name that one"
        )
    verify(folder, [DUPLICATES])
    try:
        return {one["image"]: one["kept"] for one in read_csv(Path(folder, DUPLICATES))}
    except KeyError as error:
        raise FileDamaged(
            f"{Path(folder, DUPLICATES)} lacks its column {error}: deduplicate again"
        ) from error


def copies_of(
    stays: dict[str, str], pool: FeatureStore, skip: np.ndarray, folder: str
) -> dict[int, int]:
    """Returns the rows of copies, and of what stays for each.

    Where what is to stay cannot be selected, the first of its group that can be does.

    Args:
        stays: See `read_duplicates`.
        pool: The pool.
        skip: (N,) bool, rows that cannot be selected.
        folder: Named in errors.

    Raises:
        UserError: The result is of other images.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(pool.image_ids):
        if image in stays and not skip[row]:
            groups[stays[image]].append(row)
    if stays and not groups:
        raise ImagesMismatch(
            f"{folder} is of other images: none that it names is in the pool "
            f"{pool.path}: deduplicate the pool's own, or its store"
        )
    ids, found = pool.image_ids, {}
    for kept, rows in groups.items():
        first = next((row for row in rows if ids[row] == kept), rows[0])
        found.update({row: first for row in rows if row != first})
    return dict(sorted(found.items()))

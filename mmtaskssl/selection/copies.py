"""Pool images that are, byte for byte, others of the pool: one of each is enough."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..features.store import FeatureStore
from ..utils.errors import UserError
from ..utils.hashing import file_sha256
from ..utils.inputs import check_regular


def copies_in(pool: FeatureStore, root: str, skip: np.ndarray) -> Mapping[int, int]:
    """Finds the copies in a pool.

    Images of the same bytes have the same features: only the files of rows that are
    equal bit for bit are read.

    Args:
        pool: Features.
        root: Folder of the images; "" if unknown, where there is nothing to compare.
        skip: (N,) bool, rows that are out already.

    Returns:
        For the row of each copy that of its first, in the order of rows.
    """
    if not root:
        return {}
    keys = np.empty(len(pool), np.int64)  # all that is kept of a row of a large pool
    for start, shard in pool.iter_shards():
        hashes = (hash(values.tobytes()) for values in shard)
        keys[start : start + len(shard)] = np.fromiter(hashes, np.int64, len(shard))
    rows = np.flatnonzero(~skip)
    rows = rows[np.argsort(keys[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(keys[rows])) + 1
    begins, ends = np.append(0, edges), np.append(edges, len(rows))
    several = np.flatnonzero(ends - begins > 1)
    found: dict[int, int] = {}
    for begin, end in zip(begins[several], ends[several], strict=True):
        found |= _same_files(rows[begin:end].tolist(), root, pool)
    return dict(sorted(found.items()))


def _same_files(
    rows: Iterable[int], root: str, pool: FeatureStore
) -> Mapping[int, int]:
    sizes: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        try:
            size = check_regular(Path(root, pool.image_ids[row]))
        except OSError:  # moved since its features were taken
            continue
        sizes[size].append(row)
    found = {}
    for alike in sizes.values():
        firsts: dict[str, int] = {}
        for row in alike if len(alike) > 1 else ():
            try:
                digest = file_sha256(Path(root, pool.image_ids[row]))
            except UserError:
                continue
            if firsts.setdefault(digest, row) != row:
                found[row] = firsts[digest]
    return found

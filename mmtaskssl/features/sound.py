"""Which shards an earlier run finished, and still are what it wrote."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import Record, check_listed, differs
from ..utils.errors import UserError
from ..utils.families import NotFinite
from . import layout

# Bits of a float16 that are all set in NaN and infinity alone.
_EXPONENT = np.uint16(0x7C00)
# Of a shard, looked through at once.
_PIECE_BYTES = 4 << 20
# Shards whose bytes were compared in this process, as they were.
_compared: set[tuple[str, int, int, int]] = set()


def check_shard(path: Path, shard: np.ndarray) -> None:
    """Reads a shard that this process has not read yet, and compares its checksum.

    Args:
        path: Its file.
        shard: Its rows, (N, D) float16.

    Raises:
        UserError: It is not what was written, or holds NaN or infinity.
    """
    found = os.stat(path)
    key = (str(path), found.st_size, found.st_mtime_ns, found.st_ino)
    if key in _compared:
        return
    again = "delete it and run the extraction again, which computes what is missing"
    check_listed(path, again)
    step = max(1, _PIECE_BYTES // (2 * max(1, shard.shape[1])))
    found_bad = [np.zeros(0, np.int64)]
    for begin in range(0, len(shard), step):  # a shard may be larger than memory
        bits = shard[begin : begin + step].view(np.uint16) & _EXPONENT
        here = (bits == _EXPONENT).any(axis=1)
        found_bad.append(begin + np.flatnonzero(here))
    bad = np.concatenate(found_bad)
    if len(bad):
        raise NotFinite(
            f"{path} holds NaN or infinity in {len(bad)} of its {len(shard)} rows, the "
            f"first is row {bad[0]}: {again}"
        )
    _compared.add(key)


def sound_shards(
    store: Path, manifest: Mapping[str, Any], record: Record | None
) -> dict[str, Mapping[str, Any]]:
    """Returns what is known of finished shards, and removes the damaged ones.

    What is gone is made again, by whoever finds it missing.

    Args:
        store: The folder; its lock is held.
        manifest: Of what it plans.
        record: What it says of itself; None: a store of version 0.1.

    Returns:
        Bytes and SHA-256 by name.
    """
    known = dict(record.files) if record else {}
    # Why rows are without a feature is seen while a shard is made.
    unknown = layout.QUARANTINE in known and not (store / layout.QUARANTINE).exists()
    sound = {}
    for index, rows in enumerate(manifest["shard_rows"]):
        path = layout.shard_path(store, index)
        stated = known.get(path.name)
        if not os.path.lexists(path):
            continue
        try:
            layout.open_shard(store, index, rows, manifest["dim"])
            damaged = stated is not None and differs(path, stated)
        except UserError:
            damaged = True
        if damaged or unknown:
            path.unlink()
        elif stated is not None:
            sound[path.name] = stated
    return sound

"""Which shards an earlier run finished, and still are what it wrote."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runs import Record, differs
from ..utils.errors import UserError
from . import layout


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

"""Writes what a store holds to another folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from . import layout, plan
from .writer import FeatureStoreWriter

if TYPE_CHECKING:
    from .store import FeatureStore


def save_rows(
    store: FeatureStore,
    folder: str | os.PathLike,
    overwrite: bool,
    rows_per_shard: int,
) -> None:
    """Writes the rows of a store that were not removed, bit for bit; see its `save`."""
    names, labels = store.class_names, None
    rows = np.setdiff1d(np.arange(len(store)), store.removed_rows)
    if names is not None and store.labels is not None:
        found = store.labels[rows].tolist()
        labels = [names[i] if i >= 0 else None for i in found]
    bad = {entry["row"]: entry["reason"] for entry in store.quarantine}
    with plan.new_store(folder, store.manifest, overwrite) as temporary:
        writer = FeatureStoreWriter.prepare(
            temporary,
            [store.image_ids[row] for row in rows.tolist()],
            dim=store.dim,
            extractor=store.manifest["extractor"],
            transform=store.manifest["transform"],
            root=store.root,
            source=store.manifest["source"],
            labels=labels,
            rows_per_shard=rows_per_shard,
        )
        for index in writer.missing_shards():
            mine = rows[slice(*writer.shard_range(index))]
            units: np.ndarray = store.read(mine).astype(np.float16)
            reasons = {i: bad[r] for i, r in enumerate(mine.tolist()) if r in bad}
            writer.write_unit_shard(index, units, reasons)
        writer.finish()
        if copies := store.open_copies():
            copies.save(temporary / layout.COPIES)

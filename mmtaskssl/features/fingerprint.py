"""What tells one feature store from another."""

import hashlib
import json
from pathlib import Path

import numpy as np

from ..runs import Record
from . import layout
from .store import FeatureStore

# Bytes that are hashed at once.
_PIECE_ROWS = 65536
_HASHED_ROWS_PER_SHARD = 16


def fingerprint(store: FeatureStore) -> str:
    """Returns a sha256 that changes with the manifest or the features of a store.

    Of each shard it reads the size and a few rows, not all: a pool may be far larger
    than memory.
    """
    manifest = json.dumps(store.manifest, sort_keys=True)
    digest = hashlib.sha256(manifest.encode())
    for _, shard in store.iter_shards():
        rows = np.linspace(0, len(shard) - 1, _HASHED_ROWS_PER_SHARD).astype(int)
        digest.update(np.ascontiguousarray(shard[np.unique(rows)]).tobytes())
    return digest.hexdigest()


def shard_digests(store: FeatureStore) -> list[str]:
    """Returns a SHA-256 of each shard: what appending to a store leaves as it is.

    Of a store on disk they are those of its record, and nothing is read.
    """
    record = Record.read(store.folder) if store.folder.is_dir() else None
    names = [
        layout.shard_path(Path(), index).name
        for index in range(len(store.manifest["shard_rows"]))
    ]
    if record is not None and {*names} <= {*record.files}:
        return [record.files[name]["sha256"] for name in names]
    found = []
    for _, shard in store.iter_shards():
        digest = hashlib.sha256()
        for begin in range(0, len(shard), _PIECE_ROWS):
            piece = np.ascontiguousarray(shard[begin : begin + _PIECE_ROWS])
            digest.update(piece.tobytes())
        found.append(digest.hexdigest())
    return found

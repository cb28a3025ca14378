"""Clustered stores, as features of images are."""

import numpy as np

from mmtaskssl.features.writer import FeatureStoreWriter

DIM = 16


def rows_of(count, seed=0, dim=DIM, clusters=30):
    centres = np.random.default_rng(99).standard_normal((clusters, dim))
    rng = np.random.default_rng(seed)
    chosen = centres[rng.integers(0, clusters, count)]
    return (chosen + 0.6 * rng.standard_normal((count, dim))).astype(np.float32)


def make_pool(path, rows, rows_per_shard=300, first=0, extractor="e"):
    """Makes a store, or appends to one whose rows are those before ``first``."""
    writer = FeatureStoreWriter.prepare(
        path,
        [f"{first + i:05d}.png" for i in range(len(rows))],
        dim=rows.shape[1],
        extractor={"name": extractor},
        rows_per_shard=rows_per_shard,
        append=first > 0,
    )
    for index in writer.missing_shards():
        start, stop = writer.shard_range(index)
        writer.write_shard(index, rows[start - first : stop - first])
    writer.finish()
    from mmtaskssl.features.store import FeatureStore

    return FeatureStore.open(path)


def queries_of(count, seed=5):
    from mmtaskssl.features.memory import MemoryStore

    rows = rows_of(count, seed)
    names = [f"q{i}" for i in range(count)]
    return MemoryStore(rows, names, extractor="e", name="target")

"""Feature stores with planted clusters."""

import numpy as np

from mmtaskssl.features.importing import import_features


def make_store(path, features, rows_per_shard=64, root=""):
    """Imports features under ids ``00000.png``, ... ; NaN rows are quarantined."""
    np.save(path.with_suffix(".npy"), np.asarray(features, np.float32))
    ids = [f"{i:05d}.png" for i in range(len(features))]
    return import_features(
        path.with_suffix(".npy"), ids, path, root=root, rows_per_shard=rows_per_shard
    )


def planted(sizes, dim=24, spread=0.25, seed=0):
    """Draws rows around one direction per cluster, in random order.

    Returns:
        Features (rows, dim) and the cluster of each row.
    """
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((len(sizes), dim))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    label = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    noise = rng.standard_normal((len(label), dim)) * spread / np.sqrt(dim)
    return centres[label] + noise, label

"""How good clusters are."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..features.store import FeatureStore
from .clusters import Clusters, Labels
from .tree import BLOCK_ROWS, Progress


def feature_sums(
    store: FeatureStore,
    leaf: np.ndarray,
    leaves: int,
    progress: Progress | None = None,
) -> np.ndarray:
    """Returns (leaves, dim) float64, the exact sum of the features of each leaf.

    Args:
        store: The pool.
        leaf: (rows,) leaf of each row, -1 for none.
        leaves: How many.
        progress: Called with the number of rows read so far.
    """
    sums = np.zeros((leaves, store.dim))
    for first, shard in store.iter_shards():
        for begin in range(0, len(shard), BLOCK_ROWS):
            block = np.array(shard[begin : begin + BLOCK_ROWS], dtype=np.float64)
            owner = leaf[first + begin : first + begin + len(block)]
            order = np.argsort(owner, kind="stable")
            order = order[owner[order] >= 0]
            found, start = np.unique(owner[order], return_index=True)
            if len(found):
                sums[found] += np.add.reduceat(block[order], start, axis=0)
            if progress:
                progress(first + begin + len(block))
    return sums


def cohesion(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Returns the mean cosine similarity of two different images of each cluster.

    Rows have length 1, so that the squared length of their sum is the sum over all
    pairs, self-pairs (1 each) included.

    Args:
        sums: (clusters, dim) sums of features.
        sizes: (clusters,) rows of each.

    Returns:
        (clusters,) float64; 1 for a cluster of one image, NaN for an empty one.
    """
    sizes = sizes.astype(np.float64)
    pairs = (sums * sums).sum(axis=1) - sizes
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = pairs / (sizes * (sizes - 1))
    return np.where(sizes == 1, 1.0, mean)


def levels(
    tree: Sequence[int], leaf_sums: np.ndarray, leaf_sizes: np.ndarray
) -> list[dict[str, Any]]:
    """Describes sizes and cohesion at each level; level 0 is the whole pool.

    ``imbalance`` is the largest size over the mean. ``cohesion`` is the mean over the
    images of their cluster's cohesion: compare it with that of the pool (level 0).
    """
    found = []
    clusters = 1
    for branches in (1, *tree):
        clusters *= branches
        sums = leaf_sums.reshape(clusters, -1, leaf_sums.shape[1]).sum(axis=1)
        sizes = leaf_sizes.reshape(clusters, -1).sum(axis=1)
        mean = sizes.mean()
        weighted = np.average(cohesion(sums, sizes), weights=sizes)
        found.append(
            {
                "clusters": clusters,
                "smallest": int(sizes.min()),
                "largest": int(sizes.max()),
                "imbalance": round(float(sizes.max() / mean), 4),
                "smallest_over_mean": round(float(sizes.min() / mean), 4),
                "cohesion": round(float(weighted), 4),
            }
        )
    return found


def contingency(clusters: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns (clusters, labels) counts of rows that have both, none of them -1."""
    both = (clusters >= 0) & (labels >= 0)
    table = np.zeros((clusters.max() + 1, labels.max() + 1), dtype=np.int64)
    np.add.at(table, (clusters[both], labels[both]), 1)
    return table


def purity(table: np.ndarray) -> float:
    """Returns the share of rows that have the most frequent label of their cluster."""
    return float(table.max(axis=1).sum() / table.sum())


def normalized_mutual_information(table: np.ndarray) -> float:
    """Returns I(cluster; label) over the mean of the two entropies, 0..1.

    Strehl and Ghosh, JMLR 2002, with the arithmetic mean as scikit-learn has it.
    """
    p = table / table.sum()
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    filled = p > 0
    expected = np.outer(rows, columns)
    information = float((p[filled] * np.log(p[filled] / expected[filled])).sum())
    entropies = _entropy(rows) + _entropy(columns)
    # One cluster and one label agree.
    return 2 * information / entropies if entropies > 0 else 1.0


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def centroids(sums: np.ndarray) -> np.ndarray:
    """Returns (clusters, dim) float16, the normalised sums of features."""
    length = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    return (sums / np.maximum(length, 1e-12)).astype(np.float16)


def agreement(clusters: Clusters, labels: Labels) -> dict[str, Any]:
    """Compares clusters with labels, level by level; JSON-ready.

    Args:
        clusters: What was found.
        labels: What is known of the images.
    """
    known = (labels.rows >= 0) & (clusters.leaf >= 0)
    counts = np.bincount(labels.rows[known])
    rows = []
    for level in range(1, len(clusters.tree) + 1):
        table = contingency(clusters.nodes(level), labels.rows)
        rows.append(
            {
                "clusters": math.prod(clusters.tree[:level]),
                "purity": round(purity(table), 4),
                "nmi": round(normalized_mutual_information(table), 4),
            }
        )
    return {
        "table": labels.source,
        "classes": len(labels.names),
        "images": int(counts.sum()),
        "largest_class": round(purity(counts[None]), 4),
        "levels": rows,
    }

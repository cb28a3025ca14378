"""Balanced spherical k-means of features in memory."""

from collections.abc import Callable

import numpy as np
import torch

from .assign import balanced_assign

_STARTS = 8
_FIRST_STEPS = 4
_STEPS = 30
# Rows at once: their float64 copy stays small beside the features.
_BLOCK_ROWS = 4096

Assign = Callable[[np.ndarray], np.ndarray]


def exact_scores(features: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Returns (n, k) float64 dot products that no order of summation changes.

    Products of two float16 and their partial sums fit float64 without rounding (see
    ``selection/search.py``), so that clusters depend neither on threads nor on blocks.

    Args:
        features: (n, D) float16 values of any float type, rows of length about 1.
        centroids: (k, D) the same.
    """
    right = torch.from_numpy(np.ascontiguousarray(centroids)).double().T
    out = np.empty((len(features), len(centroids)))
    for begin in range(0, len(features), _BLOCK_ROWS):
        part = slice(begin, begin + _BLOCK_ROWS)
        rows = torch.from_numpy(np.array(features[part])).double()
        out[part] = (rows @ right).numpy()
    return out


def balanced_kmeans(
    features: np.ndarray, clusters: int, low: int, high: int, rng: np.random.Generator
) -> np.ndarray:
    """Fits centroids whose clusters have ``low`` to ``high`` rows.

    Lloyd's steps on the sphere, with `balanced_assign` in place of the nearest
    centroid. The best of a few k-means++ starts (Arthur and Vassilvitskii, 2007) after
    a few steps goes on until nothing moves. Centroids are rounded to float16, which
    makes scores exact.

    Args:
        features: (n, D) float32 holding float16 values, rows of length about 1.
        clusters: How many, at most n.
        low: Fewest rows of a cluster.
        high: Most rows of a cluster.
        rng: Draws the starts.

    Returns:
        (clusters, D) float32 holding float16 values, of length about 1.
    """

    def assign(scores: np.ndarray) -> np.ndarray:
        return balanced_assign(scores, low, high)

    starts = [
        _lloyd(features, _plus_plus(features, clusters, rng), assign, _FIRST_STEPS)
        for _ in range(_STARTS)
    ]
    _, best = max(starts, key=lambda start: start[0])
    return _lloyd(features, best, assign, _STEPS)[1]


def _lloyd(
    features: np.ndarray, centroids: np.ndarray, assign: Assign, steps: int
) -> tuple[float, np.ndarray]:
    """Returns the total score and the centroids it was reached with."""
    best, before = (-np.inf, centroids), None
    for _ in range(steps):
        scores = exact_scores(features, centroids)
        assigned = assign(scores)
        total = float(np.take_along_axis(scores, assigned[:, None], axis=1).sum())
        # With bounds a step may also lose.
        best = max(best, (total, centroids), key=lambda pair: pair[0])
        if before is not None and np.array_equal(assigned, before):
            break
        before = assigned
        centroids = means(features, assigned, centroids)
    return best


def means(
    features: np.ndarray, assigned: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    """Returns the normalised mean of each cluster; an empty one keeps its centroid.

    Args:
        features: (n, D) float32 holding float16 values.
        assigned: (n,) cluster of each row.
        centroids: (k, D) before.
    """
    updated = centroids.copy()
    for cluster in range(len(centroids)):
        # Sums of float16 in float64 are exact, whatever their order.
        total = features[assigned == cluster].sum(axis=0, dtype=np.float64)
        length = np.sqrt((total * total).sum())
        if length > 0:
            updated[cluster] = (total / length).astype(np.float16)
    return updated


def _plus_plus(
    features: np.ndarray, clusters: int, rng: np.random.Generator
) -> np.ndarray:
    chosen = [int(rng.integers(len(features)))]
    nearest = np.full(len(features), -np.inf)
    for _ in range(clusters - 1):
        scores = exact_scores(features, features[chosen[-1:]])[:, 0]
        nearest = np.maximum(nearest, scores)
        # On the sphere the squared distance is 2 - 2 cos.
        weight = np.maximum(1 - nearest, 0)
        weight[chosen] = 0
        if weight.sum() <= 1e-6:  # nothing but copies of what was chosen
            weight = np.ones(len(features))
            weight[chosen] = 0
        chosen.append(int(rng.choice(len(features), p=weight / weight.sum())))
    return features[chosen].copy()

"""Balanced spherical k-means of features in memory."""

import math

import numpy as np
import torch

from .assign import balanced_assign

_STARTS = 8
_FIRST_STEPS = 4
_STEPS = 30
# A start is judged on so many rows of each cluster.
_START_ROWS = 256
# Of more clusters there is one start, which takes more steps on fewer rows: nearly
# all of the way for a quarter of the time.
_FEW, _MANY_START_ROWS, _MANY_STEPS = 16, 64, 12
# Steps end where no more than this share of the rows moves.
_MOVING = 1e-3
# Rows at once: their float64 copy stays small beside the features.
_BLOCK_ROWS = 4096


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
    a few steps on some of the rows goes on with all until hardly one moves. Centroids
    are rounded to float16, which makes scores exact. Rows are held in float64 once.

    Args:
        features: (n, D) float32 holding float16 values, rows of length about 1.
        clusters: How many, at most n.
        low: Fewest rows of a cluster.
        high: Most rows of a cluster.
        rng: Draws the starts.

    Returns:
        (clusters, D) float32 holding float16 values, of length about 1.
    """
    rows = torch.from_numpy(np.ascontiguousarray(features)).double()
    part = rows
    each, starts, first_steps, steps = _START_ROWS, _STARTS, _FIRST_STEPS, _STEPS
    if clusters > _FEW:
        each, starts, first_steps, steps = _MANY_START_ROWS, 1, _MANY_STEPS, _MANY_STEPS
    if len(rows) > (count := each * clusters):
        drawn = np.sort(rng.permutation(len(rows))[:count])
        part, share = rows[torch.from_numpy(drawn)], count / len(rows)
        bounds = math.floor(low * share), math.ceil(high * share)
    else:
        bounds = low, high
    found = [
        _lloyd(part, _plus_plus(part, clusters, rng), bounds, first_steps)
        for _ in range(starts)
    ]
    _, best = max(found, key=lambda start: start[0])
    return _lloyd(rows, best, (low, high), steps)[1].astype(np.float32)


def _lloyd(
    rows: torch.Tensor, centroids: np.ndarray, bounds: tuple[int, int], steps: int
) -> tuple[float, np.ndarray]:
    """Returns the total score and the centroids it was reached with."""
    best, before = (-np.inf, centroids), None
    for _ in range(steps):
        scores = (rows @ torch.from_numpy(centroids).T).numpy()
        assigned = balanced_assign(scores, *bounds)
        total = float(np.take_along_axis(scores, assigned[:, None], axis=1).sum())
        # With bounds a step may also lose.
        best = max(best, (total, centroids), key=lambda pair: pair[0])
        if before is not None and np.mean(assigned != before) <= _MOVING:
            break
        before = assigned
        centroids = means(rows, assigned, centroids)
    return best


def means(
    rows: torch.Tensor, assigned: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    """Returns the normalised mean of each cluster; an empty one keeps its centroid.

    Args:
        rows: (n, D) float64 holding float16 values.
        assigned: (n,) cluster of each row.
        centroids: (k, D) float64 before.

    Returns:
        (k, D) float64 holding float16 values.
    """
    # Sums of float16 in float64 are exact, whatever their order.
    where = torch.from_numpy(assigned)
    if len(centroids) > _FEW:
        sums = torch.zeros(centroids.shape, dtype=torch.float64)
        total = sums.index_add_(0, where, rows).numpy()
    else:  # a product of few is faster
        member = torch.zeros((len(centroids), len(rows)), dtype=torch.float64)
        member[where, torch.arange(len(rows))] = 1
        total = (member @ rows).numpy()
    length = np.sqrt((total * total).sum(axis=1, keepdims=True))
    unit = (total / np.where(length > 0, length, 1)).astype(np.float16)
    return np.where(length > 0, unit.astype(np.float64), centroids)


def _plus_plus(
    rows: torch.Tensor, clusters: int, rng: np.random.Generator
) -> np.ndarray:
    chosen = [int(rng.integers(len(rows)))]
    nearest = np.full(len(rows), -np.inf)
    for _ in range(clusters - 1):
        nearest = np.maximum(nearest, (rows @ rows[chosen[-1]]).numpy())
        # On the sphere the squared distance is 2 - 2 cos.
        weight = np.maximum(1 - nearest, 0)
        weight[chosen] = 0
        if weight.sum() <= 1e-6:  # nothing but copies of what was chosen
            weight = np.ones(len(rows))
            weight[chosen] = 0
        chosen.append(int(rng.choice(len(rows), p=weight / weight.sum())))
    return rows[chosen].numpy().copy()

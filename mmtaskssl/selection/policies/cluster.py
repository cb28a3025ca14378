"""Cells of the pool that the target falls into (Oquab et al., DINOv2, section 3)."""

import numpy as np

from ..nearest import best_queries
from ..stream import iter_blocks
from ..task import Selection, SelectionTask
from .quotas import water_fill
from .random import first_of_each

# k-means wants some forty points a cell at least; a cell of 128 images leaves room
# for a budget that is a small part of the pool.
_ROWS_PER_CELL = 128
_TRAIN_ROWS_PER_CELL = 256
_ITERATIONS = 10
# "each cluster that is retrieved by more than 3 images" of the target.
_MIN_HITS = 4


def cluster(task: SelectionTask) -> Selection:
    """Draws evenly from the k-means cells that more than three queries fall into.

    Selects fewer images than the budget if those cells hold fewer.
    """
    rng = np.random.default_rng(task.seed)
    rows = np.flatnonzero(~task.skip)
    cells = max(1, len(rows) // _ROWS_PER_CELL)
    sample = np.sort(rng.permutation(rows)[: cells * _TRAIN_ROWS_PER_CELL])
    centroids = kmeans(task.pool.read(sample), cells, rng)
    hits = np.bincount(best_queries(centroids, task.queries)[0], minlength=cells)
    wanted = np.flatnonzero(hits >= _MIN_HITS)
    if not len(wanted):
        # Too few queries for the rule: take the cells they do fall into.
        wanted = np.flatnonzero(hits)
    cell = np.concatenate(
        [
            best_queries(centroids, block.numpy())[0]
            for _, block, _ in iter_blocks(task.pool, task.skip)
        ]
    )
    order = rng.permutation(np.flatnonzero(np.isin(cell, wanted)))
    groups = np.searchsorted(wanted, cell[order])
    quotas = water_fill(task.budget, np.bincount(groups, minlength=len(wanted)))
    order = order[first_of_each(groups, quotas)]
    notes = [f"{len(wanted)} of {cells} cells of the pool are near the target"]
    if len(order) < task.budget:
        notes.append(
            f"they hold {len(order)} images only, fewer than the {task.budget} wanted"
        )
    return task.with_nearest_query(rows[order], *notes)


def kmeans(features: np.ndarray, cells: int, rng: np.random.Generator) -> np.ndarray:
    """Spherical k-means (Lloyd) whose result does not depend on threads.

    Centroids are rounded to float16, so that assignments are exact; sums of float16
    in float64 are exact too. An empty cell keeps its centroid.

    Args:
        features: (n, D) float32 holding float16 values.
        cells: Clusters wanted.
        rng: Draws the first centroids.

    Returns:
        (cells, D) float32 holding float16 values.
    """
    centroids = features[np.sort(rng.permutation(len(features))[:cells])]
    for _ in range(_ITERATIONS):
        assigned, _ = best_queries(centroids, features)
        order = np.argsort(assigned, kind="stable")
        filled, first = np.unique(assigned[order], return_index=True)
        sums = np.add.reduceat(features[order].astype(np.float64), first, axis=0)
        norm = np.linalg.norm(sums, axis=1, keepdims=True)
        means = (sums / np.maximum(norm, 1e-12)).astype(np.float16)
        updated = centroids.copy()
        updated[filled] = means
        if np.array_equal(updated, centroids):
            break
        centroids = updated
    return centroids

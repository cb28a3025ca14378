"""How concentrated a target is in a pool."""

import dataclasses

import numpy as np
import torch

from ...clustering.kmeans import balanced_kmeans, exact_scores
from ...features.store import FeatureStore
from ...routing.overlap import Overlap

_CLUSTERS = 16
_SAMPLE = 2048
# A cluster of fewer images has no shape.
_LEAST = 8
# Of the largest cluster over the mean, and of that over the smallest, at most.
_RATIO = 4


@dataclasses.dataclass(frozen=True)
class Concentration:
    """Over how many clusters of a pool the neighbours of a target are spread.

    Attributes:
        clusters: Effective number of clusters that the neighbours of the target's
            images fall in: exp of the entropy of their votes, see `Overlap`.
        anywhere: The same of as many random images of the pool.
        of: Clusters.
    """

    clusters: float
    anywhere: float
    of: int


def concentration(
    queries: np.ndarray,
    pool: FeatureStore,
    usable: np.ndarray,
    rng: np.random.Generator,
) -> Concentration | None:
    """Clusters a sample of a pool, and counts the clusters that a target falls in.

    Args:
        queries: (Q, D) float32 features of the target.
        pool: Of the pool.
        usable: Rows of it that count.
        rng: Draws the sample.

    Returns:
        None: the pool has too few images for two clusters.
    """
    order = rng.permutation(usable)
    rows, others = order[:_SAMPLE], order[_SAMPLE : _SAMPLE + len(queries)]
    clusters = min(_CLUSTERS, len(rows) // _LEAST)
    if clusters < 2:
        return None
    sample = pool.read(np.sort(rows))
    mean = len(sample) / clusters
    centroids = balanced_kmeans(
        sample, clusters, int(mean / _RATIO), int(np.ceil(_RATIO * mean)), rng
    )
    leaf = torch.from_numpy(exact_scores(sample, centroids).argmax(axis=1))
    rest = pool.read(np.sort(others)) if len(others) else sample

    def spread(features: np.ndarray) -> float:
        found = Overlap(
            torch.from_numpy(features), torch.from_numpy(sample), leaf, [clusters]
        )
        return round(found.effective_leaves, 2)

    return Concentration(spread(queries), spread(rest), clusters)

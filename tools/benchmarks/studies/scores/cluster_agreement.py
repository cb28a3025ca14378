"""Whether two networks divide images into the same clusters."""

import numpy as np
from torch import Tensor

from mmtaskssl.clustering.kmeans import balanced_kmeans, exact_scores
from mmtaskssl.clustering.measure import contingency, normalized_mutual_information
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, named, other
from mmtaskssl.utils import checks


@SEARCH_SCORES.register_module()
class ClusterAgreement(Score):
    """Normalised mutual information of two networks' spherical k-means clusters.

    Args:
        against: "largest" or "teacher".
        clusters: How many; fewer where there are fewer images.
        seed: Of the starts of k-means.
    """

    def __init__(
        self, against: str = "teacher", clusters: int = 10, seed: int = 0
    ) -> None:
        checks.whole("clusters", clusters)
        self.against, self.name = against, named("clusters", against)
        self.clusters, self.seed = clusters, seed
        self._theirs: tuple[Tensor, np.ndarray] | None = None  # a memory

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns 0 to 1."""
        theirs = other(reference, self, self.against)
        if self._theirs is None or self._theirs[0] is not theirs:
            self._theirs = theirs, cluster_rows(theirs, self.clusters, self.seed)
        ours = cluster_rows(seen.plain, self.clusters, self.seed)
        table = contingency(ours, self._theirs[1])
        return normalized_mutual_information(table)


def cluster_rows(features: Tensor, clusters: int, seed: int) -> np.ndarray:
    """Returns the cluster (N,) of each row (N, D) by spherical k-means, centred."""
    x = features.double().cpu()
    x = (x - x.mean(0)).numpy()
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    rows = x.astype(np.float16).astype(np.float32)  # what makes scores exact
    count = min(clusters, len(rows))
    rng = np.random.default_rng(seed)
    centroids = balanced_kmeans(rows, count, 1, len(rows), rng)
    return exact_scores(rows, centroids).argmax(axis=1)

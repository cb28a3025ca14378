"""Whether neighbours tell a teacher's clusters of other images apart."""

import torch
from torch import Tensor

from mmtaskssl.evaluation.knn import weighted_knn
from mmtaskssl.registry import SEARCH_SCORES
from mmtaskssl.search.scores import Reference, Score, Seen, required
from mmtaskssl.utils import checks

from .cluster_agreement import cluster_rows


@SEARCH_SCORES.register_module()
class PseudoClasses(Score):
    """kNN accuracy on the clusters that a teacher makes of unlabelled images.

    A proxy task: every second image votes, the others are classified.

    Args:
        clusters: Of the teacher's features of the pool's images.
        k: Neighbours.
        seed: Of the starts of k-means.
    """

    name = "pseudo-classes"

    def __init__(self, clusters: int = 50, k: int = 20, seed: int = 0) -> None:
        checks.whole("clusters", clusters)
        checks.whole("k", k)
        self.clusters, self.k, self.seed = clusters, k, seed
        self._labels: tuple[Tensor, Tensor] | None = None  # a memory

    def __call__(self, seen: Seen, reference: Reference) -> float:
        """Returns the accuracy, 0 to 1."""
        x = required(seen.pool, self, "other images")
        theirs = required(reference.pool, self, "a teacher's features of other images")
        if self._labels is None or self._labels[0] is not theirs:
            found = cluster_rows(theirs, self.clusters, self.seed)
            self._labels = theirs, torch.from_numpy(found).to(x.device)
        y = self._labels[1]
        votes = weighted_knn(x[::2], y[::2], x[1::2], self.clusters, self.k)
        return (votes.argmax(1) == y[1::2]).double().mean().item()

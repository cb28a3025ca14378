"""Which path's cluster a task's images look like."""

import functools
from collections.abc import Sequence

from torch import Tensor

from ..clustering.cluster_sample import ClusterSample
from ..clustering.clusters import Clusters
from ..subnets import Subnet
from .extracted import PathFeatures
from .overlap import Overlap


class Likeness:
    """Agreement of a task's images with the cluster of each path, measured when used.

    Args:
        features: Of the task.
        clusters: What the paths were trained on.
        paths: P full paths.
        largest: MAX, in whose feature space images are compared.
        per_cluster: Pool images of each cluster.
    """

    def __init__(
        self,
        features: PathFeatures,
        clusters: Clusters,
        paths: Sequence[Subnet],
        largest: Subnet,
        per_cluster: int,
    ) -> None:
        self.features, self.clusters, self.largest = features, clusters, largest
        self.per_cluster = per_cluster
        self._leaves = [int(clusters.leaves_of(path.path)[0]) for path in paths]

    @functools.cached_property
    def overlap(self) -> Overlap:
        """The task's images by cluster."""
        features = self.features
        with features.clock.part("overlap"):
            own = features[self.largest]
            sample = ClusterSample(
                self.clusters,
                features.task.transform,
                self.per_cluster,
                features.batch_size,
            )
            pool = features.of_pool(self.largest, sample)
            return Overlap(own, pool, sample.leaf, self.clusters.tree)

    @property
    def scores(self) -> Tensor:
        """(P,) mean agreement, 0..1."""
        return self.overlap.scores[self._leaves]

    @property
    def agreement(self) -> Tensor:
        """(P, N) of each image."""
        return self.overlap.agreement[:, self._leaves].T

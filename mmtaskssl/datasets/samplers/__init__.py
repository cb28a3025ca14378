"""Which images make up a batch."""

from .cluster_batches import ClusterBatches

__all__ = ["ClusterBatches"]

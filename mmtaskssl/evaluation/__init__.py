"""How good features are for a task, and whether a difference is chance."""

from .detection_counts import DetectionCounts
from .segmentation_counts import SegmentationCounts
from .transfer_metric import TransferMetric

__all__ = ["DetectionCounts", "SegmentationCounts", "TransferMetric"]

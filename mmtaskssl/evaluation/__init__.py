from .detection_counts import DetectionCounts
from .segmentation_counts import SegmentationCounts
from .transfer_metric import TransferMetric

__all__ = ["DetectionCounts", "SegmentationCounts", "TransferMetric"]

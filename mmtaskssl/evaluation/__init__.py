from .transfer_metric import TransferMetric

__all__ = ["TransferMetric"]

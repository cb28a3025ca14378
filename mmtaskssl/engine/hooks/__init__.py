from .fixed_lr import FixedLrHook
from .knn import KNNHook
from .non_finite_loss import NonFiniteLossHook
from .throughput import ThroughputHook

__all__ = ["FixedLrHook", "KNNHook", "NonFiniteLossHook", "ThroughputHook"]

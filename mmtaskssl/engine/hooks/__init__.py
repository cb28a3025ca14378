from .channels_last import ChannelsLastHook
from .collapse_monitor import CollapseMonitorHook
from .fixed_lr import FixedLrHook
from .knn import KNNHook
from .non_finite_loss import NonFiniteLossHook
from .progressive_phase import ProgressivePhaseHook
from .throughput import ThroughputHook

__all__ = [
    "ChannelsLastHook",
    "CollapseMonitorHook",
    "FixedLrHook",
    "KNNHook",
    "NonFiniteLossHook",
    "ProgressivePhaseHook",
    "ThroughputHook",
]

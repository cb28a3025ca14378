from .channels_last import ChannelsLastHook
from .checkpoint import CheckpointHook
from .collapse_monitor import CollapseMonitorHook
from .curves import CurvesHook
from .early_stopping import EarlyStoppingHook
from .fixed_lr import FixedLrHook
from .knn import KNNHook
from .l2_sp import L2SPHook
from .non_finite_loss import NonFiniteLossHook
from .progressive_phase import ProgressivePhaseHook
from .queue_length import QueueLengthHook
from .representation import RepresentationHook
from .runtime_info import RuntimeInfoHook
from .start_norm import StartNormHook
from .start_only import StartOnlyHook
from .sync_norm import SyncNormHook
from .termination import TerminationHook
from .throughput import ThroughputHook

__all__ = [
    "ChannelsLastHook",
    "CheckpointHook",
    "CollapseMonitorHook",
    "CurvesHook",
    "EarlyStoppingHook",
    "FixedLrHook",
    "KNNHook",
    "L2SPHook",
    "NonFiniteLossHook",
    "ProgressivePhaseHook",
    "QueueLengthHook",
    "RepresentationHook",
    "RuntimeInfoHook",
    "StartNormHook",
    "StartOnlyHook",
    "SyncNormHook",
    "TerminationHook",
    "ThroughputHook",
]

from .fixed_lr import FixedLrHook
from .non_finite_loss import NonFiniteLossHook
from .throughput import ThroughputHook

__all__ = ["FixedLrHook", "NonFiniteLossHook", "ThroughputHook"]

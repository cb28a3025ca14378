"""The one door to checkpoints: what is read from them, and how it gets into networks.

Files that are not ours hold tensors and data, never code.
"""

from .backbone import Checkpoint, Loaded, load_backbone
from .finite import check_finite
from .loading import STATISTICS, load_weights, save_state_dict, weights_sha256
from .reading import load_state_dict, read_checkpoint, read_part

__all__ = [
    "STATISTICS",
    "Checkpoint",
    "Loaded",
    "check_finite",
    "load_backbone",
    "load_state_dict",
    "load_weights",
    "read_checkpoint",
    "read_part",
    "save_state_dict",
    "weights_sha256",
]

"""The former place of `mmtaskssl.weights`."""

from ..weights import (
    STATISTICS,
    load_state_dict,
    load_weights,
    read_checkpoint,
    save_state_dict,
    weights_sha256,
)

__all__ = [
    "STATISTICS",
    "load_state_dict",
    "load_weights",
    "read_checkpoint",
    "save_state_dict",
    "weights_sha256",
]

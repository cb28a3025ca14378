"""Layouts of checkpoints that people have, and the backbone's weights in them."""

from .names import from_detectron2
from .order import match_order
from .recognise import Recognised, recognise, strip_wrappers
from .unwrap import unwrap

__all__ = [
    "Recognised",
    "from_detectron2",
    "match_order",
    "recognise",
    "strip_wrappers",
    "unwrap",
]

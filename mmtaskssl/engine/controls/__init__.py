"""The runs that a pre-training must be compared with, and the comparison."""

from .compared import ControlsCompared
from .controls import Controls, controls
from .kinds import KINDS

__all__ = ["KINDS", "Controls", "ControlsCompared", "controls"]

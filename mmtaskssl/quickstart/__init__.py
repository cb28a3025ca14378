"""The main job from end to end, on built-in images or on a user's folders."""

from .journey import Journey
from .stages import MEASURES, Stages
from .target import prepare_target

__all__ = ["MEASURES", "Journey", "Stages", "prepare_target"]

"""The main job from end to end, on built-in images or on a user's folders."""

from .journey import Journey, start_journey
from .stages import MEASURES, Stages
from .target import prepare_target

__all__ = ["MEASURES", "Journey", "Stages", "prepare_target", "start_journey"]

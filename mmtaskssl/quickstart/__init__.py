"""The main job from end to end, on built-in images or on a user's folders."""

from .journey import Journey
from .target import prepare_target

__all__ = ["Journey", "prepare_target"]

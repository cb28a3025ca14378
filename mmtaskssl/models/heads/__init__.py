from .last_stage import LastStage

__all__ = ["LastStage"]

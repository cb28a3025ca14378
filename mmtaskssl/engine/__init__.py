"""What happens around the models: loops, hooks, optimizer wrappers, runs."""

from . import hooks, loops, optimizers

__all__ = ["hooks", "loops", "optimizers"]

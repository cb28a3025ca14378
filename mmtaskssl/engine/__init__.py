"""What happens around the models: loops, hooks, optimizer wrappers, runs."""

from . import cpu_runner, hooks, loops, optimizers, runner

__all__ = ["cpu_runner", "hooks", "loops", "optimizers", "runner"]

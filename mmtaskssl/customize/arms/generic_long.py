"""Generic pre-training that is given more time."""

from .arm import Case
from .generic import Generic

_TIMES = 4


class GenericLong(Generic):
    """What the same network learns from the whole pool in four times the iterations."""

    name = "generic-long"
    reference = True
    full = _TIMES * Generic.full
    on_demand = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return f"{super().what(case)} for {_TIMES} times as long"

"""What a network may cost: a band of MACs, parameters or latency."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..subnets import Subnet
from ..utils.errors import UserError

KINDS = {
    "macs": ("GMACs", 1e9),
    "params": ("M parameters", 1e6),
    "latency": ("ms", 1e-3),
}
"""Kinds of budget, with the unit and its size that people read them in."""

_SCALES = {"": 1.0, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_NUMBER = r"(\d+(?:\.\d+)?(?:e\d+)?)(us|ms|s|[KMGT])?"
_BUDGET = re.compile(rf"{_NUMBER}-{_NUMBER}(?::(\w+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """The networks whose cost lies in [low, high).

    Attributes:
        low: MACs, parameters or seconds.
        high: Likewise; not in the band.
        kind: "macs", "params" or "latency".
    """

    low: float
    high: float
    kind: str = "macs"

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """Reads ``LO-HI[:macs|params|latency]``.

        Args:
            text: For example ``3G-4G``, ``5M-6M:params`` or ``2ms-4ms``. Without a
                kind, times mean latency and everything else MACs.

        Raises:
            UserError: It cannot be read, or the band is empty.
        """
        match = _BUDGET.fullmatch(text.strip())
        if match is None:
            raise UserError(
                f"budget {text!r} cannot be read; write LO-HI such as 3G-4G, "
                f"5M-6M:params or 2ms-4ms"
            )
        low, low_unit, high, high_unit, kind = match.groups()
        # 3-4G is 3G to 4G.
        low_unit, high_unit = low_unit or high_unit or "", high_unit or ""
        timed = [unit in _TIMES for unit in (low_unit, high_unit)]
        kind = kind or ("latency" if any(timed) else "macs")
        if kind not in KINDS:
            raise UserError(
                f"budget {text!r} must be in {', '.join(KINDS)}, not {kind!r}"
            )
        if timed != [kind == "latency"] * 2:
            raise UserError(
                f"budget {text!r} of {kind} needs numbers with "
                + ("a time: us, ms or s" if kind == "latency" else "K, M, G or T")
            )
        units = _SCALES | _TIMES
        budget = cls(float(low) * units[low_unit], float(high) * units[high_unit], kind)
        if budget.low >= budget.high:
            raise UserError(f"budget {text!r} is empty: its low end must be the lower")
        return budget

    def __contains__(self, value: float) -> bool:
        return self.low <= value < self.high

    def __str__(self) -> str:
        unit, size = KINDS[self.kind]
        return f"{self.low / size:g}-{self.high / size:g} {unit}"


Measure = Callable[[Subnet], float]
"""Says what a sub-net costs in the unit of one budget."""

"""What routing asks of whoever fine-tunes: this room trains nothing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..networks import Network
from ..subnets import Subnet

Log = Callable[[str], None]


class FineTuner(Protocol):
    """Compares a few sub-nets by short trainings on the task, see `FineTuning`."""

    @property
    def top(self) -> int:
        """Paths that are trained, beside MAX."""

    def describe(self) -> Mapping[str, Any]:
        """Returns what its results depend on, JSON-ready."""

    def compare(
        self,
        network: Network,
        subnets: Sequence[Subnet],
        target: str | Path,
        seed: int,
        log: Log,
    ) -> list[dict[str, Any]]:
        """Returns ``{"subnet", "map"}`` of each, best first."""

    def conclude(self, found: Sequence[Mapping[str, Any]], largest: Subnet) -> str:
        """Returns what was found, in a sentence."""

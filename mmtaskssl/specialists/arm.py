"""One training of those that branch off from a generic network."""

import dataclasses
from typing import Any

from ..engine.controls.arms import Arm

START, GENERIC = "start", "generic"


@dataclasses.dataclass(frozen=True, eq=False)
class Branch(Arm):
    """A network that a target can be served by.

    Attributes:
        leaves: Clusters whose images train it; empty: all, or none.
    """

    leaves: tuple[int, ...] = ()

    @property
    def what(self) -> str:
        """What it is, in words."""
        if self.name == START:
            return "what they all begin with"
        if self.name == GENERIC:
            return "trained for as long on all images"
        several = "s" if len(self.leaves) > 1 else ""
        return f"trained on cluster{several} {', '.join(map(str, self.leaves))}"

    def to_dict(self) -> dict[str, Any]:
        """Returns what it is, JSON-ready."""
        return {**super().to_dict(), "leaves": list(self.leaves)}


def name_of(leaves: tuple[int, ...]) -> str:
    """Returns the name of the specialist of some clusters, in any order."""
    return "clusters-" + "-".join(map(str, sorted(leaves)))

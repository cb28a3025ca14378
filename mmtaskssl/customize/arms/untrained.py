"""The network of ours as it is drawn."""

from pathlib import Path

from mmengine.config import Config

from ...networks import Network
from ..fit.own import Own
from .arm import Arm, Case


class Untrained(Arm):
    """What a network is worth before any training."""

    name = "untrained"
    control = True
    seeded = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return "our network, untrained"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        return None if case.own else "no network of ours is within the budget"

    def serves(self, case: Case) -> Own:
        """See `Arm`."""
        assert case.own is not None
        return case.own

    def network(
        self, case: Case, config: Config | None, checkpoint: Path | None, seed: int
    ) -> Network:
        """See `Arm`."""
        return self.serves(case).untrained(seed)

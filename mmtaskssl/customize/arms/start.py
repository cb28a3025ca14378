"""The public weights as they are."""

import dataclasses
from pathlib import Path

from mmengine.config import Config

from ...networks import Network
from ..fit.body import Body
from .arm import Arm, Case


class StartAsItIs(Arm):
    """What there is for nothing."""

    name = "start"
    control = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        body = self.serves(case)
        return f"{body.start.name} at {body.side} px as it is"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if case.body is not None:
            return None
        if case.generic is not None:  # which is there where no start was given
            return "no start was given"
        return "no start is within the budget"

    def serves(self, case: Case) -> Body:
        """See `Arm`."""
        assert case.body is not None
        return case.body

    def network(
        self, case: Case, config: Config | None, checkpoint: Path | None, seed: int
    ) -> Network:
        """See `Arm`."""
        body = self.serves(case)
        return dataclasses.replace(body.network, preprocessing=body.transform)

"""A specialist that branches off from the longest generic pre-training."""

from pathlib import Path

from mmengine.config import Config

from .arm import Case
from .branched import Branched
from .generic_long import GenericLong
from .recipes import with_own

_SHARE = 0.3


class BranchedLong(Branched):
    """`Branched` from `GenericLong`; some of the images are the target's own.

    Three in ten are, oversampled, their labels unread.
    """

    name = "branched-long"
    on_demand = True
    goes_on_long = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            f"{GenericLong().what(case)}, then on {self.told_images(case)} and the "
            "target's own training images"
        )

    def begins_with(self, case: Case) -> Path | None:
        """See `Branched`."""
        return case.generic_long

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        return with_own(super().config(case, iters), case.lists["target"], _SHARE)

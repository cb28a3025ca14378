"""The same training as of `Continued`, with the target's training images among them."""

from mmengine.config import Config

from .arm import Case
from .continued import Continued
from .recipes import with_own

_SHARE = 0.2


class ContinuedWithTarget(Continued):
    """A fifth of the images are the target's own, oversampled, their labels unread."""

    name = "continued-target"

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return f"{super().what(case)} and the target's own training images"

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        return with_own(super().config(case, iters), case.lists["target"], _SHARE)

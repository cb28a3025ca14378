"""A specialist that branches off from generic pre-training of some length."""

from mmengine.config import Config

from ...config.wrappers import with_target
from .arm import Case
from .branched import Branched
from .generic_long import GenericLong
from .recipes import branched_off

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

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if case.generic_long is None:
            return "there is no generic training of that length"
        return None

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        assert case.generic_long is not None
        own, images = self.serves(case), self.train_images(case)
        cfg = branched_off(own, images, iters, case.generic_long)
        cfg.train_dataloader.dataset = with_target(
            cfg.train_dataloader.dataset, str(case.lists["target"]), _SHARE
        )
        return cfg

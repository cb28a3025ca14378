"""A specialist that branches off from generic pre-training."""

from pathlib import Path
from typing import ClassVar

from mmengine.config import Config

from .arm import Case, ImageList
from .recipes import branched_off
from .scratch import Scratch


class Branched(Scratch):
    """What the whole pool taught is the start of what the selected images teach."""

    name = "branched"
    images: ClassVar[ImageList | None] = "selected"
    full = 500
    goes_on = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            "our network pre-trained on the whole pool, then on "
            f"{self.told_images(case)}"
        )

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := super().refuses(case):
            return refused
        if self.begins_with(case) is None:
            return "there is a start to go on from"
        return None

    def begins_with(self, case: Case) -> Path | None:
        """Returns the weights of a generic training; None: there is none."""
        return case.generic

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        weights = self.begins_with(case)
        assert weights is not None
        own, images = self.serves(case), self.train_images(case)
        return branched_off(own, images, iters, weights)

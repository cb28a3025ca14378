"""A network of ours, pre-trained from scratch on the selected images."""

from typing import ClassVar

from mmengine.config import Config

from ..fit.own import Own
from .arm import Arm, Case, ImageList
from .recipes import from_scratch
from .untrained import Untrained


class Scratch(Arm):
    """MoCo v2, or what the network's config says."""

    name = "scratch"
    images: ClassVar[ImageList | None] = "selected"
    full = 1000

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return f"our network pre-trained on {self.told_images(case)}"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        return Untrained().refuses(case)

    def serves(self, case: Case) -> Own:
        """See `Arm`."""
        return Untrained().serves(case)

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        return from_scratch(self.serves(case), self.train_images(case), iters)

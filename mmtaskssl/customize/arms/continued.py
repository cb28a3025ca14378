"""The start, taught by itself at twice the resolution on the selected images."""

from typing import ClassVar

from mmengine.config import Config

from ..fit.body import Body
from .arm import Arm, Case, ImageList
from .recipes import taught_by_itself
from .start import StartAsItIs


class Continued(Arm):
    """Resolution self-distillation with MoCo v2, batch norms frozen."""

    name = "continued"
    images: ClassVar[ImageList | None] = "selected"
    full = 200

    def what(self, case: Case) -> str:
        """See `Arm`."""
        body, images = self.serves(case), self.told_images(case)
        return f"{body.start.name} continued at {body.side} px on {images}"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        return StartAsItIs().refuses(case)

    def serves(self, case: Case) -> Body:
        """See `Arm`."""
        return StartAsItIs().serves(case)

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        return taught_by_itself(self.serves(case), self.train_images(case), iters)

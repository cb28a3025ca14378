"""A network of ours, taught by a start on the selected images."""

from typing import ClassVar

from mmengine.config import Config

from ..fit.own import Own
from .arm import Arm, Case, ImageList
from .recipes import taught
from .untrained import Untrained


class Distilled(Arm):
    """Distillation of a start into the network that the budget pays for."""

    name = "distilled"
    images: ClassVar[ImageList | None] = "selected"
    full = 1000

    def what(self, case: Case) -> str:
        """See `Arm`."""
        teacher = case.teacher.start.name if case.teacher else "a start"
        return f"our network taught by {teacher} on {self.told_images(case)}"

    def refuses(self, case: Case) -> str | None:
        """See `Arm`."""
        if refused := Untrained().refuses(case):
            return refused
        return None if case.teacher else "there is no start that could teach"

    def serves(self, case: Case) -> Own:
        """See `Arm`."""
        return Untrained().serves(case)

    def config(self, case: Case, iters: int) -> Config:
        """See `Arm`."""
        assert case.teacher is not None
        images = self.train_images(case)
        return taught(self.serves(case), case.teacher, images, iters)

"""The same training as of `Distilled`, on images drawn at random."""

from typing import ClassVar

from .arm import Case, ImageList
from .distilled import Distilled


class DistilledOnRandom(Distilled):
    """What the selection is worth to a taught network is the difference from this."""

    name = "distilled-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        count = case.counts["random"]
        teacher = case.teacher.start.name if case.teacher else "a start"
        return f"our network taught by {teacher} on {count:,} random images of the pool"

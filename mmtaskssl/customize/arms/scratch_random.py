"""The same training as of `Scratch`, on images drawn at random."""

from typing import ClassVar

from .arm import Case, ImageList
from .scratch import Scratch


class ScratchOnRandom(Scratch):
    """What the selection is worth is the difference from this."""

    name = "scratch-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        count = case.counts["random"]
        return f"our network pre-trained on {count:,} random images of the pool"

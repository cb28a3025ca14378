"""The same training as of `Continued`, on images drawn at random."""

from typing import ClassVar

from .arm import Case, ImageList
from .continued import Continued


class ContinuedOnRandom(Continued):
    """What the selection is worth is the difference from this."""

    name = "continued-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        body, count = self.serves(case), case.counts["random"]
        return (
            f"{body.start.name} continued at {body.side} px on {count:,} random images "
            "of the pool"
        )

"""The same training as of `Continued`, on images drawn at random."""

from typing import ClassVar

from .arm import ImageList
from .continued import Continued


class ContinuedOnRandom(Continued):
    """What the selection is worth is the difference from this."""

    name = "continued-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

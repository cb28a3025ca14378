"""The same training as of `Scratch`, on images drawn at random."""

from typing import ClassVar

from .arm import ImageList
from .scratch import Scratch


class ScratchOnRandom(Scratch):
    """What the selection is worth is the difference from this."""

    name = "scratch-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

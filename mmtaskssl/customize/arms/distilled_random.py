"""The same training as of `Distilled`, on images drawn at random."""

from typing import ClassVar

from .arm import ImageList
from .distilled import Distilled


class DistilledOnRandom(Distilled):
    """What the selection is worth to a taught network is the difference from this."""

    name = "distilled-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

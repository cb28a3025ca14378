"""The same training as of `BranchedLong`, on images drawn at random."""

from typing import ClassVar

from .arm import ImageList
from .branched_long import BranchedLong


class BranchedLongOnRandom(BranchedLong):
    """The target's own images stay; what the others are worth is the difference."""

    name = "branched-long-random"
    control = True
    images: ClassVar[ImageList | None] = "random"

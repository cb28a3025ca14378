"""The same training as of `GenericContinued`, on images drawn at random."""

from typing import ClassVar

from .arm import Case, ImageList
from .generic_continued import GenericContinued


class GenericContinuedOnRandom(GenericContinued):
    """What the selection is worth is the difference from this."""

    name = "generic-continued-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            "our network pre-trained on the whole pool, then on "
            f"{case.counts['random']:,} random images of it"
        )

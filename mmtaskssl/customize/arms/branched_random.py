"""The same training as of `Branched`, on images drawn at random."""

from typing import ClassVar

from .arm import Case, ImageList
from .branched import Branched


class BranchedOnRandom(Branched):
    """What the selection is worth is the difference from this."""

    name = "branched-random"
    control = True
    images: ClassVar[ImageList | None] = "random"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return (
            "our network pre-trained on the whole pool, then on "
            f"{case.counts['random']:,} random images of it"
        )

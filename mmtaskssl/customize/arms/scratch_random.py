"""The same training as of `Scratch`, on images drawn at random."""

from .arm import Case
from .scratch import Scratch


class ScratchOnRandom(Scratch):
    """What the selection is worth is the difference from this."""

    name = "scratch-random"
    control = True
    images = "random"

    def what(self, case: Case) -> str:
        """See `Arm`."""
        count = case.counts["random"]
        return f"our network pre-trained on {count:,} random images of the pool"

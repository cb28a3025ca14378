"""The same training as of `Scratch`, on the whole pool."""

from .arm import Case
from .scratch import Scratch


class Generic(Scratch):
    """Generic self-supervised pre-training: what everybody does."""

    name = "generic"
    control = True
    images = "pool"

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return "our network pre-trained on the whole pool"

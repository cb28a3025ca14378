"""The same training as of `Scratch`, on the whole pool."""

from typing import ClassVar

from .arm import Case, ImageList
from .scratch import Scratch


class Generic(Scratch):
    """Generic self-supervised pre-training: what everybody does."""

    name = "generic"
    control = True
    images: ClassVar[ImageList | None] = "pool"

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return "our network pre-trained on the whole pool"

"""The same training as of `Scratch`, on the whole pool."""

from typing import ClassVar

from .arm import Case, ImageList
from .recipes import Images
from .scratch import Scratch


class Generic(Scratch):
    """Generic self-supervised pre-training: what everybody does."""

    name = "generic"
    control = True
    images: ClassVar[ImageList | None] = "pool"
    of_pool = True

    def what(self, case: Case) -> str:
        """See `Arm`."""
        return "our network pre-trained on the whole pool"

    def train_images(self, case: Case) -> Images:
        """See `Arm`; where targets share it, those that all of them may train on."""
        kind: ImageList = "common" if "common" in case.lists else "pool"
        return Images(case.found.pool_root, case.lists[kind], case.counts[kind])

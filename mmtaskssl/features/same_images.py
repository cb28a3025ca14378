"""Whether the features of a store are of the images at hand, which only share names."""

import filecmp
import os
from collections.abc import Sequence
from pathlib import Path

from ..utils.errors import option
from ..utils.families import TeacherMisfit
from .store import FeatureStore

# Images that are looked at, from the first to the last.
_COMPARED = 16


def check_same_images(
    store: FeatureStore, root: str | os.PathLike, image_ids: Sequence[str]
) -> None:
    """Refuses a teacher's store of other images by the same names.

    Some are compared byte for byte, where both can be seen.

    Args:
        store: The teacher's.
        root: Folder of the images at hand.
        image_ids: Theirs.

    Raises:
        UserError: One is another one.
    """
    of_store = Path(store.root)
    if not store.root or of_store.resolve() == Path(root).resolve():
        return
    for name in image_ids[:: max(1, len(image_ids) // _COMPARED)]:
        here, there = Path(root, name), of_store / name
        if not here.is_file() or not there.is_file():
            continue
        if not filecmp.cmp(here, there, shallow=False):
            raise TeacherMisfit(
                f"{option('teacher')} {store.path} is of the images in {of_store}, "
                f"where {name} is another one than in {root}: extract the features of "
                "the images that are given"
            )

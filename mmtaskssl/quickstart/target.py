"""A labelled folder in the form that the evaluation tools read."""

import os
import random
from pathlib import Path

from ..datasets.images import list_images
from ..utils.atomic import atomic_folder
from ..utils.errors import UserError

#: Labelled images a class that an unsplit folder gives to training, at most.
MOST_SHOTS = 20


def prepare_target(target: Path, out: Path, seed: int = 0) -> Path:
    """Returns a folder with ``train/CLASS/IMAGE`` and ``test/CLASS/IMAGE``.

    A folder that has both is returned as it is. One of ``CLASS/IMAGE`` is split, class
    by class: half of the images, at most 20, train and the rest test. ``out`` then
    holds links, not copies.

    Args:
        target: The user's folder.
        out: Where a split is written; left alone if it exists.
        seed: Of the split.

    Raises:
        UserError: No such folder, fewer than two classes, or a class of one image.
    """
    if not target.is_dir():
        raise UserError(f"target folder {target} does not exist")
    if (target / "train").is_dir() and (target / "test").is_dir():
        return target
    if out.is_dir():
        return out
    root, image_ids = list_images(str(target))
    classes: dict[str, list[str]] = {}
    for image in image_ids:
        name, _, rest = image.partition("/")
        if not rest:
            raise UserError(
                f"{target} holds {image} outside any class folder: sort the images as "
                "CLASS/IMAGE, or as train/CLASS/IMAGE and test/CLASS/IMAGE"
            )
        classes.setdefault(name, []).append(image)
    if len(classes) < 2:
        raise UserError(f"{target} has one class only: a target needs two or more")
    with atomic_folder(out, durable=False) as folder:
        for name, images in classes.items():
            if len(images) < 2:
                raise UserError(
                    f"class {name} of {target} has one image: one to train and one to "
                    "test is the least"
                )
            random.Random(f"{seed} {name}").shuffle(images)
            shots = min(MOST_SHOTS, len(images) // 2)
            for number, image in enumerate(images):
                split = "train" if number < shots else "test"
                place = folder / split / name
                place.mkdir(parents=True, exist_ok=True)
                link = place / f"{number:05d}{Path(image).suffix}"
                os.symlink(Path(root, image).resolve(), link)
    return out

"""What an inspection is given, and what tells it from any other."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...datasets.folders import is_folder
from ...datasets.images import ImagesLike, list_images
from ...utils import checks
from ...utils.errors import UserError
from ...utils.families import ImagesMismatch
from ...utils.hashing import file_sha256, lines_sha256
from ...utils.inputs import check_regular
from ...utils.members import exists
from ...utils.remote.addresses import anchored, shown
from . import files
from .labelled import Labelled
from .reading import TASKS, read_target

# So many images of a pool, and of a target's part, are read to tell them from others
# with equal names and sizes.
_OF_POOL, _OF_TARGET = 256, 20_000


@dataclasses.dataclass(frozen=True)
class Given:
    """A pool and a target, listed but not read.

    Attributes:
        root: Folder of the pool.
        image_ids: Of the pool, each once.
        labelled: The target.
        inputs: What tells them from any others, JSON-ready.
    """

    root: Path
    image_ids: list[str]
    labelled: Labelled
    inputs: dict[str, Any]


def look_at(
    pool: ImagesLike,
    target: str | os.PathLike,
    test: str | os.PathLike | None = None,
    task: str = "auto",
    seed: int = 0,
    void: int | None = None,
) -> Given:
    """Lists a pool and a target, and what tells them from others.

    Files are told by names and sizes, and by all that is in some of them, evenly
    spaced: of a target 20,000 a part, of a pool 256, since to read all of a large one
    takes as long as to use it.

    Args:
        pool: See `inspect`, as for the others.
        target: See above.
        test: See above.
        task: See above.
        seed: See above.
        void: See above.

    Raises:
        UserError: A pool or a target that cannot be used; says what to do.
    """
    checks.one_of("task", task, TASKS)
    checks.seed(seed)
    checks.whole("void", void, 0, 255, none=True)
    checks.path_like("target", target)
    checks.path_like("test", test, none=True)
    root, image_ids = list_images(pool)
    image_ids = list(dict.fromkeys(image_ids))
    _check_found(root, image_ids)
    labelled = read_target(target, test, task)
    if void is not None and labelled.kind != "segmentation":
        checks.unused("to masks", void=void)
    files.check_names(_names(labelled))
    root = anchored(root)
    inputs = {
        "pool": _described(root, image_ids, _OF_POOL),
        "target": _describe_target(labelled),
        "task": labelled.kind,
        "seed": seed,
        "void": void,
    }
    return Given(root, image_ids, labelled, inputs)


def _check_found(root: Path, image_ids: Sequence[str]) -> None:
    """Refuses listed images that a search of their folder, as trainings do, misses."""
    found = {*list_images(root)[1]} if is_folder(root) else set()
    beside = [i for i in image_ids if i not in found and exists(root / i)]
    if beside:
        raise ImagesMismatch(
            f"{len(beside):,} images of the pool, such as {beside[0]}, are not found "
            f"where their folder {shown(root)} is searched: files need an image's "
            "ending, and tars a folder that holds no other images"
        )


def _names(labelled: Labelled) -> set[str]:
    items = [item for part in labelled.parts.values() for item in part.items]
    boxes = {box.name for item in items for box in item.boxes}
    return boxes.union(labelled.class_names or (), *(item.labels for item in items))


def _described(
    root: Path, image_ids: Sequence[str], most: int = _OF_TARGET
) -> dict[str, Any]:
    """Tells files from others.

    Args:
        root: Their folder.
        image_ids: Their names.
        most: So many of them are read, evenly spaced.
    """
    count = len(image_ids)
    rows: Sequence[int] = range(count)
    if count > most:
        rows = sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})
    return {
        "root": shown(root),
        "images": count,
        "files_sha256": lines_sha256(
            f"{image}\t{_size(root / image)}" for image in image_ids
        ),
        "content_sha256": lines_sha256(
            f"{image_ids[row]}\t{_content(root / image_ids[row])}" for row in rows
        ),
    }


def _size(path: Path) -> int:
    try:
        return check_regular(path)
    except OSError:
        return -1


def _content(path: Path) -> str:
    try:
        return file_sha256(path)
    except (OSError, UserError):  # which the inspection tells
        return ""


def _describe_target(labelled: Labelled) -> dict[str, Any]:
    found: dict[str, Any] = {"class_names": labelled.class_names}
    for name, part in labelled.parts.items():
        ids = [item.image for item in part.items]
        found[name] = {
            **_described(part.root.absolute(), ids),
            "labels_sha256": part.labels_sha256(),
        }
        if part.masks is not None:
            masks = [item.mask for item in part.items]
            found[name]["masks"] = _described(part.masks.absolute(), masks)
    return found

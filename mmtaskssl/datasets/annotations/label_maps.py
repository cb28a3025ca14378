"""Do the numbers in the masks of a segmentation mean classes?"""

import functools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from mmtaskssl.utils.cores import num_cores
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import BadLabels
from mmtaskssl.utils.inputs import read_text

from ..image_reader import BrokenImage, open_picture
from .findings import Finding, Tally

#: The index that belongs to no class wherever nothing else is said.
VOID = 255
#: A text in the folder of a target or its masks that names the classes.
CLASSES = "classes.txt"

_THREADS = 4
_BATCH = 256
_SHOWN = 5
# Masks that are remembered by their size and time, so that a second training of the
# same process does not read them again.
_REMEMBERED = 1 << 17
# What may stand between the name of an image and the ending of its mask.
_MARKS = ("", "_mask", "_label", "_seg")
_LOSSY = (".jpg", ".jpeg")


def masks_by_name(mask_ids: Sequence[str]) -> dict[str, str]:
    """Returns masks by the names, without an ending, of images that they may be of."""
    found: dict[str, str] = {}
    for mark in reversed(_MARKS):
        for mask in mask_ids:
            name = str(Path(mask).with_suffix(""))
            if name.endswith(mark) and len(name) > len(mark):
                found[name[: len(name) - len(mark)]] = mask
    return found


def check_exact(masks: Sequence[str], folder: str) -> None:
    """Refuses masks whose numbers are not exact.

    Raises:
        UserError: One is a JPEG.
    """
    if lossy := [mask for mask in masks if mask.lower().endswith(_LOSSY)]:
        raise BadLabels(
            f"the mask {lossy[0]} in {folder} is a JPEG, whose numbers are not exact: "
            "write masks as PNG"
        )


def read_class_names(folder: Path) -> Sequence[str] | None:
    """Reads `CLASSES` of a folder; None: it has none.

    Raises:
        UserError: It cannot be read, or names a class twice.
    """
    path = folder / CLASSES
    if not path.exists():
        return None
    try:
        names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise BadLabels(f"{path} cannot be read: {error}") from error
    if len({*names}) < len(names) or not names:
        raise BadLabels(f"{path} must name each class once, a line each")
    return names


def colours_refused(folder: str) -> UserError:
    """Returns what refuses masks that are colour images."""
    return BadLabels(
        f"masks in {folder} are colour images: a mask is a PNG of one channel, "
        f"whose numbers are the classes (0, 1, ...; {VOID}: none); write the "
        "number of its class in place of each colour"
    )


def look_at_masks(
    paths: Sequence[Path], progress: Callable[[int], None] = lambda done: None
) -> list[dict[str, Any]]:
    """Returns what is in masks, each read once.

    Args:
        paths: The files.
        progress: Receives how many are done.

    Returns:
        Of each "width", "height" and the "values"; or "colour": True; or "broken": why
        it cannot be read.
    """
    found: list[dict[str, Any]] = []
    with ThreadPoolExecutor(min(_THREADS, num_cores())) as pool:
        for begin in range(0, len(paths), _BATCH):
            batch = paths[begin : begin + _BATCH]
            found += pool.map(_look, batch)
            progress(len(found))
    return found


def _look(path: Path) -> dict[str, Any]:
    try:
        status = os.stat(path)
    except OSError as error:
        return {"broken": error.strerror or str(error)}
    found = _look_once(path, status.st_size, status.st_mtime_ns)
    return {**found, "values": list(found["values"])} if "values" in found else found


@functools.lru_cache(_REMEMBERED)
def _look_once(path: Path, size: int, time: int) -> dict[str, Any]:
    """Looks at a file of that size and time."""
    try:
        with open_picture(path) as image:
            pixels = np.asarray(image)
    except BrokenImage as error:
        return {"broken": str(error).removeprefix(f"{path}: ")}
    if pixels.ndim != 2 or pixels.dtype.kind not in "bui":
        return {"colour": True}
    if pixels.dtype == np.uint8:  # a tenth of the time of np.unique
        values = np.flatnonzero(np.bincount(pixels.ravel(), minlength=256))
    else:
        values = np.unique(pixels)
    height, width = pixels.shape
    return {"width": width, "height": height, "values": tuple(map(int, values))}


def judge_classes(
    classes: Sequence[Sequence[int]],
    paths: Sequence[Path | str],
    where: str,
    training: bool,
    class_names: Sequence[str] | None = None,
) -> list[Finding]:
    """Looks at which classes masks have.

    Args:
        classes: Of each mask the classes that are in it, from 0; none where all of it
            belongs to no class.
        paths: The masks.
        where: What they are of, such as "training masks".
        training: Whether something is to learn from them.
        class_names: All classes; None: they are those that the masks have.
    """
    counts = Counter(number for found in classes for number in found)
    if not classes:
        return []
    if not counts:
        text = (
            f"no pixel of the {where} belongs to a class (such as {paths[0]}): all "
            "that is in them is the number of what belongs to none"
        )
        return [Finding("error", text)]
    several = class_names is None or len(class_names) > 1
    if len(counts) == 1 and several:
        (number,) = counts
        name = class_names[number] if class_names else f"with the number {number}"
        text = (
            f"the {where} have one class alone, {name}, and else pixels that belong to "
            f"none (such as {paths[0]}): write every class as its number, an object "
            "in front of a background as 1"
        )
        return [Finding("error" if training else "warning", text)]
    found = []
    empty = Tally()
    for path, numbers in zip(paths, classes, strict=True):
        if not numbers:
            empty.add(str(path))
    if empty.count:
        text = f"{empty.of(len(classes), where)} have no pixel that belongs to a class"
        found.append(Finding("warning", text))
    names = class_names or [str(number) for number in range(max(counts) + 1)]
    absent = [name for number, name in enumerate(names) if number not in counts]
    if absent and training:
        last = max(counts)
        path = next(p for p, n in zip(paths, classes, strict=True) if last in n)
        shown = ", ".join(absent[:_SHOWN]) + ", ..." * (len(absent) > _SHOWN)
        text = (
            f"{len(absent):,} of {len(names):,} classes are in none of the {where}: "
            f"{shown}; the last one that is, {names[last]}, is in {counts[last]:,} of "
            f"{len(classes):,}, such as {path}"
        )
        found.append(Finding("warning", text))
    return found

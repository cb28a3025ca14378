"""Regions of images, named ``IMAGE@LEFT,TOP,RIGHT,BOTTOM`` in pixels from 0.

Those of masks have their number in the image behind it, ``=NUMBER``, or ``~NUMBER``
where what is around their pixels is grey: see `mask_regions`.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from mmengine.logging import print_log

from ..utils.families import BadLabels, ImagesMismatch
from ..utils.members import exists
from .annotations.boxes import BoxJudge
from .annotations.coco import CocoFile, read_coco_json
from .annotations.findings import Finding, refuse
from .annotations.voc import read_voc_xml
from .images import read_image, shrink

#: Around a region, as a share of its sides: what surrounds an object tells of it, too.
CONTEXT = 0.15
_LEAST_SIDE = 8
_NAME = re.compile(r"(.+)@(\d+),(\d+),(\d+),(\d+)(?:[=~](\d+))?", re.DOTALL)

Corners = tuple[float, float, float, float]


def parts_of(name: str) -> tuple[str, Corners, int | None] | None:
    """Returns image, corners and number of a region's name; None: it is none."""
    if (found := _NAME.fullmatch(name)) is None:
        return None
    image, left, top, right, bottom, number = found.groups()
    corners = float(left), float(top), float(right), float(bottom)
    return image, corners, None if number is None else int(number)


def as_parts(ids: Sequence[str]) -> str:
    """Says that images which are not there are parts of images; "": they are not."""
    if not ids or any(parts_of(image) is None for image in ids):
        return ""
    return (
        "they are objects or regions of images (IMAGE@LEFT,TOP,RIGHT,BOTTOM), which are"
        " no files of their own: take the features of whole images"
    )


def cut(image: np.ndarray, corners: Corners, margin: float) -> np.ndarray:
    """Returns a region with a margin, as far as the image goes; never empty.

    Args:
        image: (H, W, 3).
        corners: Left, top, right and bottom, in pixels from 0.
        margin: On each side, as a share of the region's own.
    """
    left, top, right, bottom = corners
    height, width = image.shape[:2]
    dx, dy = margin * (right - left), margin * (bottom - top)
    left, right = _within(left - dx, right + dx, width)
    top, bottom = _within(top - dy, bottom + dy, height)
    return image[top:bottom, left:right]


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    low = min(max(round(low), 0), size - 1)
    return low, min(max(round(high), low + 1), size)


def read_region(path: str | os.PathLike, short_side: int | None = None) -> np.ndarray:
    """Reads an image, or a region of one with `CONTEXT` around it.

    Args:
        path: A file; or one that is not there, named as a region of one.
        short_side: See `read_image`; a region is cut out before it is shrunk.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        BrokenImage: The image cannot be read.
    """
    named = parts_of(os.fspath(path))
    if named is None or exists(path):
        return read_image(path, short_side)
    image, corners, _ = named
    found = cut(read_image(image), corners, CONTEXT)
    return shrink(np.ascontiguousarray(found), short_side)


def read_regions(
    annotations: str | os.PathLike, image_ids: Sequence[str]
) -> dict[str, str]:
    """Reads the objects in images.

    Crowds, objects marked difficult and those of less than 8 pixels a side are left
    out.

    Args:
        annotations: A COCO JSON, whose file names are image ids or ends of them; or a
            folder with ``NAME.xml`` of PASCAL VOC for ``.../NAME.jpg``.
        image_ids: The images.

    Returns:
        Class of each region, by its name, in the order of the images.

    Raises:
        UserError: The annotations cannot be read, mean something else, are of other
            images, or have no object in these.
    """
    path, judge = Path(annotations).expanduser(), BoxJudge()
    objects = _voc if path.is_dir() else _coco
    regions: dict[str, str] = {}
    for image, label, (left, top, right, bottom) in objects(path, image_ids, judge):
        if min(right - left, bottom - top) >= _LEAST_SIDE:
            whole = [round(max(0, side)) for side in (left, top, right, bottom)]
            corners = ",".join(map(str, whole))
            regions.setdefault(f"{image}@{corners}", label)
    refuse(judge.findings(str(path)), say)
    if not regions:
        raise BadLabels(
            f"{path} has no object of {_LEAST_SIDE} pixels a side in the images: is it "
            "of others?"
        )
    return regions


def say(finding: Finding) -> None:
    """Warns of what is odd about annotations."""
    print_log(f"annotations: {finding.text}", "current", logging.WARNING)


def _voc(
    folder: Path, image_ids: Sequence[str], judge: BoxJudge
) -> Iterator[tuple[str, str, Corners]]:
    found = 0
    for image in image_ids:
        path = folder / f"{PurePosixPath(image).stem}.xml"
        if not path.is_file():  # an image without objects need not have one
            continue
        found += 1
        try:
            objects, size = read_voc_xml(path)
        except OSError as error:
            raise BadLabels(f"{path} is no annotation in VOC XML ({error})") from error
        for number, item in enumerate(objects, 1):
            left, top, right, bottom = item.corners
            # VOC counts from 1 and both ends belong to the box.
            box = left - 1, top - 1, right - left + 1, bottom - top + 1
            judge.add(f"{path}: object {number}", box, size, item.difficult)
            if not item.difficult:
                yield image, item.name.strip(), (left - 1, top - 1, right, bottom)
    if not found:
        raise ImagesMismatch(
            f"{folder} has no NAME.xml for any of the {len(image_ids):,} images, such "
            f"as {image_ids[0]}"
        )


def _coco(
    path: Path, image_ids: Sequence[str], judge: BoxJudge
) -> Iterator[tuple[str, str, Corners]]:
    try:
        file = CocoFile(path, read_coco_json(path))
    except OSError as error:
        raise BadLabels(f"{path} cannot be read as COCO's JSON ({error})") from error
    boxes: dict[str, list[tuple[str, Corners]]] = {}
    for place, entry in file.annotations:
        image = file.images[entry["image_id"]]
        crowd = bool(entry.get("iscrowd")) or bool(entry.get("ignore"))
        x, y, width, height = entry["bbox"]
        judge.add(place, entry["bbox"], file.size(image), crowd)
        if not crowd:
            label = file.categories[entry["category_id"]]
            corners = x, y, x + width, y + height
            boxes.setdefault(str(image["file_name"]), []).append((label, corners))
    named = names_of(boxes, image_ids)
    if boxes and not named:
        raise ImagesMismatch(
            f"{path} names other images, such as {next(iter(boxes))}: none of the "
            f"{len(image_ids):,} images, such as {image_ids[0]}, is among them"
        )
    for image in image_ids:
        for label, corners in boxes.get(named.get(image, ""), ()):
            yield image, label, corners


def names_of(names: Mapping[str, object], image_ids: Sequence[str]) -> dict[str, str]:
    """Returns the name of each image that has one: the id, or what its path ends with.

    Args:
        names: Those that annotations have.
        image_ids: The images.
    """
    found = {}
    for image in image_ids:
        parts = PurePosixPath(image).parts
        ends = ("/".join(parts[begin:]) for begin in range(len(parts)))
        name = next((end for end in ends if end in names), None)
        if name is not None:
            found[image] = name
    return found

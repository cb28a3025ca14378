"""Targets in the folders of Pascal VOC."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...datasets.annotations.voc import read_voc_xml
from ...datasets.images import IMAGE_SUFFIXES
from ...utils.families import BadLabels
from ...utils.inputs import read_text
from .labelled import ALL, PART_NAMES, Box, Item, Labelled, Part, part_of

IMAGES, ANNOTATIONS, LISTS = "JPEGImages", "Annotations", "ImageSets"


def is_voc(folder: Path) -> bool:
    """Whether a folder holds VOC's images and boxes."""
    if not (folder / IMAGES).is_dir() or not (folder / ANNOTATIONS).is_dir():
        return False
    return next((folder / ANNOTATIONS).glob("*.xml"), None) is not None


def read_voc(folder: Path) -> Labelled:
    """Reads the boxes of ``Annotations``, by the lists of ``ImageSets/Main``.

    VOC counts pixels from 1 on, the last one included; here a box begins at 0. What is
    difficult counts neither as found nor as missed, as in VOC's own evaluation.

    Args:
        folder: With ``JPEGImages`` and ``Annotations``.

    Raises:
        UserError: A list names what is not there, or a file is no annotation.
    """
    files = image_files(folder / IMAGES)
    lists = read_lists(folder, "Main") or {
        ALL: sorted(path.stem for path in (folder / ANNOTATIONS).glob("*.xml"))
    }
    parts = {}
    for name, ids in lists.items():
        items = [_item(folder / ANNOTATIONS, i, files.get(i, f"{i}.jpg")) for i in ids]
        parts[name] = Part(folder / IMAGES, items)
    form = "a Pascal VOC folder"
    if ALL not in lists:
        form += f" with the lists {', '.join(lists)}"
    return Labelled("detection", form, parts)


def image_files(folder: Path) -> Mapping[str, str]:
    """Returns the images in a folder by their names without an ending."""
    return {
        path.stem: path.name
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES
    }


def read_lists(folder: Path, kind: str) -> dict[str, Sequence[str]]:
    """Reads the lists of a VOC folder that are named like parts.

    Args:
        folder: Holds ``ImageSets``.
        kind: "Main" or "Segmentation".

    Returns:
        The ids of each part, each once; ``trainval`` takes the place of an absent
        ``train``.

    Raises:
        UserError: A list cannot be read or names nothing.
    """
    paths = {path.stem: path for path in (folder / LISTS / kind).glob("*.txt")}
    parts = {part: path for name, path in paths.items() if (part := part_of(name))}
    if "train" not in parts and "trainval" in paths:
        parts["train"] = paths["trainval"]
        parts.pop("val", None)  # is in it
    found: dict[str, Sequence[str]] = {}
    for part in filter(parts.get, PART_NAMES):
        path = parts[part]
        try:
            lines = read_text(path).splitlines()
        except (OSError, ValueError) as error:
            raise BadLabels(f"{path} cannot be read: {error}") from error
        found[part] = list(
            dict.fromkeys(line.split()[0] for line in lines if line.split())
        )
        if not found[part]:
            raise BadLabels(f"{path} lists no image")
    return found


def _item(folder: Path, image: str, file: str) -> Item:
    path = folder / f"{image}.xml"
    try:
        objects, size = read_voc_xml(path)
    except FileNotFoundError:
        raise BadLabels(
            f"{path} does not exist, but a list names {image}: an image without boxes "
            "needs an annotation without objects"
        ) from None
    except OSError as error:
        raise BadLabels(f"{path} cannot be read: {error}") from error
    boxes = []
    for thing in objects:
        left, top, right, bottom = thing.corners
        place = left - 1, top - 1, right - left + 1, bottom - top + 1
        boxes.append(Box(thing.name.strip(), *place, thing.difficult))
    return Item(file, boxes=tuple(boxes), size=size)

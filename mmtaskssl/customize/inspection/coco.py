"""Targets whose boxes stand in COCO's JSON, and how ours are written."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...utils.atomic import write_text
from ...utils.errors import UserError
from ...utils.inputs import read_bytes, read_json
from .class_folders import part_folders
from .labelled import ALL, PART_NAMES, Box, Item, Labelled, Part, part_of

_LARGEST = 2 << 30  # bytes; COCO's own has 450 MB
_SECTIONS = ("images", "annotations", "categories")
# Of an image list this many are looked for in each folder that may hold it.
_SAMPLE = 20
_NAMED = "instances"


def find_coco(folder: Path) -> Mapping[str, Path] | None:
    """Returns the JSON of each part that a folder holds; None: it holds none.

    They lie in ``annotations``, in the folder itself, or in that of each part.

    Raises:
        UserError: Which file is of which part cannot be told.
    """
    for place in (folder / "annotations", folder):
        if found := _by_part([*place.glob("*.json")]):
            return found
    inside = {}
    for name, path in part_folders(folder).items():
        files = [file for file in path.glob("*.json") if _is_coco(file)]
        if len(files) > 1:
            raise UserError(f"{path} holds several COCO files: move all but one away")
        if files:
            inside[name] = files[0]
    return inside or None


def _by_part(files: Sequence[Path]) -> dict[str, Path]:
    files = sorted(file for file in files if file.is_file() and file.name[0] != ".")
    # Beside COCO's boxes lie captions and key points of the same images.
    files = [f for f in files if f.name.startswith(_NAMED)] or files
    files = [file for file in files if _is_coco(file)]
    found: dict[str, Path] = {}
    for file in files:
        words = re.findall("[a-z]+", file.stem.lower())
        names = [part for part in map(part_of, words) if part]
        part = names[0] if names else ALL
        if part in found or (found and ALL in (part, *found)):
            raise UserError(
                f"{file.parent} holds {', '.join(f.name for f in files)}: which is to "
                "train and which to test on cannot be told; name them train.json and "
                "test.json"
            )
        found[part] = file
    return {name: found[name] for name in (ALL, *PART_NAMES) if name in found}


def _is_coco(path: Path) -> bool:
    """Whether a file names COCO's sections; it is large, and not parsed for that."""
    try:
        content = read_bytes(path, _LARGEST)
    except OSError:
        return False
    return all(f'"{section}"'.encode() in content for section in _SECTIONS)


def read_coco(parts: Mapping[str, Path]) -> Labelled:
    """Reads the boxes of one or several files; polygons and key points are not read.

    Args:
        parts: The file of each part.

    Raises:
        UserError: A file is not COCO's, contradicts itself, or has no images.
    """
    form = "COCO JSON " + ", ".join(path.name for path in parts.values())
    found = {name: _read(path) for name, path in parts.items()}
    return Labelled("detection", form, found)


def _read(path: Path) -> Part:
    try:
        value = read_json(path, _LARGEST, None)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as COCO's JSON: {error}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} is not COCO's: it is a list, not an object")
    names = _categories(path, value)
    images = dict(_images(path, value))
    boxes: dict[Any, list[Box]] = {number: [] for number in images}
    for place, entry in _entries(path, value, "annotations"):
        for key, known in (("image_id", boxes), ("category_id", names)):
            if _key(place, entry, key) not in known:
                section = "images" if key == "image_id" else "categories"
                raise UserError(
                    f"{place} has the {key} {entry[key]!r}, which is none of {section}"
                )
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
            raise UserError(f"{place} has the bbox {box}, not x, y, width, height")
        crowd = bool(entry.get("iscrowd")) or bool(entry.get("ignore"))
        x, y, width, height = map(float, box)
        own = Box(names[entry["category_id"]], x, y, width, height, crowd)
        boxes[entry["image_id"]].append(own)
    items = [
        Item(file, boxes=tuple(boxes[number]), size=size)
        for number, (file, size) in images.items()
    ]
    return Part(_folder_of(path, [item.image for item in items]), items)


def _categories(path: Path, value: dict[str, Any]) -> dict[Any, str]:
    names: dict[Any, str] = {}
    for place, entry in _entries(path, value, "categories"):
        name = str(_key(place, entry, "name")).strip()
        if name in names.values() or _key(place, entry, "id") in names:
            raise UserError(f"{place} has a name or an id that an earlier one has")
        names[entry["id"]] = name
    return names


def _images(
    path: Path, value: dict[str, Any]
) -> Iterator[tuple[Any, tuple[str, tuple[int, int] | None]]]:
    ids, files = set(), set()
    for place, entry in _entries(path, value, "images"):
        file = Path(str(_key(place, entry, "file_name"))).as_posix()  # ./a is a
        if _key(place, entry, "id") in ids or file in files:
            raise UserError(f"{place} has an id or a file_name that an earlier one has")
        ids.add(entry["id"])
        files.add(file)
        size = entry.get("width"), entry.get("height")
        known = all(isinstance(side, int) and side > 0 for side in size)
        yield entry["id"], (file, size if known else None)  # type: ignore[misc]
    if not ids:
        raise UserError(f"{path} lists no image")


def _entries(
    path: Path, value: dict[str, Any], section: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(value.get(section), list):
        raise UserError(f"{path} is not COCO's: it has no list {section!r}")
    for number, entry in enumerate(value[section], 1):
        place = f"{path}: entry {number} of {section!r}"
        if not isinstance(entry, dict):
            raise UserError(f"{place} is no object with keys")
        yield place, entry


def _key(place: str, entry: dict[str, Any], key: str) -> Any:
    value = entry.get(key)
    if not isinstance(value, int | str) or isinstance(value, bool):
        raise UserError(f"{place} has no {key!r}")
    return value


def _is_finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _folder_of(path: Path, images: Sequence[str]) -> Path:
    """Returns the folder that the images of a file lie in."""
    inside: list[Path] = [path.parent, path.parent.parent]
    inside = [p / name for p in inside for name in ("", "images", "JPEGImages")]
    below = [
        folder
        for parent in inside
        if parent.is_dir()
        for folder in sorted(parent.iterdir())
        # train2017 of instances_train2017.json; train of train.json
        if folder.name.lower() in path.stem.lower() and folder.is_dir()
    ]
    sample = images[:: max(1, len(images) // _SAMPLE)]
    folders = [*below, *inside]
    counts = [sum((folder / image).is_file() for image in sample) for folder in folders]
    if not max(counts):
        raise UserError(
            f"{path}: its images, such as {sample[0]}, are neither beside it nor in a "
            f"folder images, nor in {path.parent.parent}: move them there"
        )
    return folders[counts.index(max(counts))]


def write_coco(
    path: Path, part: Part, sizes: Sequence[tuple[int, int]], class_names: Sequence[str]
) -> None:
    """Writes the boxes of a part.

    Args:
        path: The file.
        part: Its images' ids are the file names.
        sizes: Width and height of each image.
        class_names: In the order of their ids, from 1 on.
    """
    index = {name: number for number, name in enumerate(class_names, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (item, size) in enumerate(zip(part.items, sizes, strict=True), 1):
        images.append(
            {"id": number, "file_name": item.image, "width": size[0], "height": size[1]}
        )
        for box in item.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": index[box.name],
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.width * box.height,
                    "iscrowd": int(box.crowd),
                }
            )
    categories = [{"id": number, "name": name} for name, number in index.items()]
    value = {"images": images, "annotations": annotations, "categories": categories}
    write_text(path, json.dumps(value))

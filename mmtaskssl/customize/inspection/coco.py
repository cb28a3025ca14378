"""Targets whose boxes stand in COCO's JSON, and how ours are written."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets.annotations.coco import LARGEST, CocoFile, read_coco_json
from ...utils.atomic import write_text
from ...utils.families import BadLabels, ImagesMismatch, TargetForm
from ...utils.inputs import read_bytes
from .class_folders import part_folders
from .inspected import Finding
from .labelled import ALL, PART_NAMES, Box, Item, Labelled, Part, part_of

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
            raise TargetForm(f"{path} holds several COCO files: move all but one away")
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
            raise TargetForm(
                f"{file.parent} holds {', '.join(f.name for f in files)}: which is to "
                "train and which to test on cannot be told; name them train.json and "
                "test.json"
            )
        found[part] = file
    return {name: found[name] for name in (ALL, *PART_NAMES) if name in found}


def _is_coco(path: Path) -> bool:
    """Whether a file names COCO's sections; it is large, and not parsed for that."""
    try:
        content = read_bytes(path, LARGEST)
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
    findings: list[Finding] = []
    found = {name: _read(path, findings) for name, path in parts.items()}
    return Labelled("detection", form, found, findings)


def _read(path: Path, findings: list[Finding]) -> Part:
    try:
        coco = CocoFile(path, read_coco_json(path))
    except OSError as error:
        raise BadLabels(f"{path} cannot be read as COCO's JSON: {error}") from error
    findings += coco.findings
    names = {number: name.strip() for number, name in coco.categories.items()}
    if len({*names.values()}) < len(names):
        raise BadLabels(f"{path} has two categories of one name")
    boxes: dict[Any, list[Box]] = {number: [] for number in coco.images}
    for _, entry in coco.annotations:
        crowd = bool(entry.get("iscrowd")) or bool(entry.get("ignore"))
        x, y, width, height = map(float, entry["bbox"])
        own = Box(names[entry["category_id"]], x, y, width, height, crowd)
        boxes[entry["image_id"]].append(own)
    items: dict[str, Item] = {}
    for number, entry in coco.images.items():
        file = Path(str(entry["file_name"])).as_posix()  # ./a is a
        if file in items:
            raise BadLabels(f"{path} lists the image {file} twice: list it once")
        items[file] = Item(file, boxes=tuple(boxes[number]), size=coco.size(entry))
    return Part(_folder_of(path, [*items]), [*items.values()])


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
        raise ImagesMismatch(
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

"""Are the lists and annotations of a detector or segmentor what its config says?

The hosts stumble over bad data in the middle of a training, or name no file.
"""

import contextlib
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..utils.errors import UserError
from ..utils.inputs import (
    check_regular,
    open_input,
    open_text,
    read_json,
    read_text,
)

_TRAIN = "train_dataloader"
_XML = ("VOCDataset", "XMLDataset")
_COCO = "CocoDataset"
# Of a larger file the host's own reading has to do.
_LARGEST_JSON = 64 << 20
_BOX = ("xmin", "ymin", "xmax", "ymax")
_COCO_KEYS = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
    "categories": ("id", "name"),
}


def check_annotations(
    cfg: Config, loaders: Sequence[str] = (_TRAIN, "val_dataloader")
) -> None:
    """Reads the lists and annotation files of a config's data sets.

    Args:
        cfg: A complete config; of data sets other than VOC's, COCO's and those with a
            list only the files' presence is checked.
        loaders: Which of its data loaders.

    Raises:
        UserError: A file is missing, empty or malformed; names it and the line.
    """
    for loader in loaders:
        evaluator = cfg.get(loader.replace("dataloader", "evaluator"))
        for data in _data_sets((cfg.get(loader) or {}).get("dataset")):
            root, name = data.get("data_root") or "", data.get("ann_file")
            if "://" in f"{root}{name}":
                continue
            if isinstance(name, str) and name:
                _check_file(data, Path(root, name), loader, evaluator)
            elif "seg_map_path" in (data.get("data_prefix") or {}):
                _check_folders(data, loader)


def _check_file(data: dict, file: Path, loader: str, evaluator: Any) -> None:
    if not file.exists():
        raise UserError(
            f"annotation file {file} of {loader} does not exist; set data_root=..."
        )
    kind = str(data.get("type")).rpartition(".")[2]
    if kind in _XML:
        _check_xml(data, file, loader == _TRAIN)
    elif kind == _COCO and _size(file) <= _LARGEST_JSON:
        training = loader == _TRAIN
        _check_json(data, file, training, _coco_keys(None if training else evaluator))
    elif file.suffix == ".txt" and not _begins(file):
        raise UserError(f"{file} of {loader} lists no image")


def _size(file: Path) -> int:
    with _readable(file):
        return check_regular(file)


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror or error}") from error


def _begins(file: Path) -> bool:
    with _readable(file), open_text(file) as lines:
        return bool(lines.read(4096).strip())


def _check_folders(data: dict, loader: str) -> None:
    """Checks the folders of a data set whose images are those that lie there."""
    for prefix in data["data_prefix"].values():
        folder = Path(data.get("data_root") or "", prefix or "")
        if not folder.is_dir():
            raise UserError(
                f"folder {folder} of {loader} does not exist; set data_root=..."
            )
        if next(folder.iterdir(), None) is None:
            raise UserError(f"folder {folder} of {loader} is empty")


def _data_sets(value: Any) -> Iterator[dict]:
    """Yields the configs of data sets below all wrappers."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _data_sets(item)
    elif isinstance(value, dict):
        if "dataset" in value or "datasets" in value:
            yield from _data_sets(value.get("dataset"))
            yield from _data_sets(value.get("datasets"))
        else:
            yield value


def _check_xml(data: dict, listing: Path, training: bool) -> None:
    prefix = (data.get("data_prefix") or {}).get("sub_data_root", "")
    folder = Path(data.get("data_root") or "", prefix)
    annotations = folder / data.get("ann_subdir", "Annotations")
    found: set[str] = set()
    with _readable(listing):
        text = read_text(listing)
    lines = text.removesuffix("\n").split("\n")
    if not text.strip():
        raise UserError(f"{listing} lists no image")
    for number, image in enumerate(lines, 1):
        image = image.rstrip("\r")
        if not image:
            raise UserError(f"{listing}, line {number}, is blank: remove the line")
        file = annotations / f"{image}.xml"
        if not file.is_file():
            raise UserError(
                f"{file} does not exist, but {listing}, line {number}, lists it"
            )
        found |= _names_in(file)
    _check_names(data, found, f"that {listing} lists", training)


def _check_names(data: dict, found: set[str], where: str, training: bool) -> None:
    """Refuses a training without an object, and classes that the data does not have."""
    classes = (data.get("metainfo") or {}).get("classes")
    if training and not found:
        raise UserError(f"no image {where} has an object to train with")
    if classes and found and found.isdisjoint(classes):
        raise UserError(
            f"no object {where} is of the config's classes "
            f"{', '.join(classes)}: the files name {', '.join(sorted(found)[:5])}"
        )


def _names_in(file: Path) -> set[str]:
    try:
        with _readable(file), open_input(file) as xml:
            root = ElementTree.parse(xml).getroot()
    except ElementTree.ParseError as error:
        line, text = error.position[0], str(error).partition(":")[0]
        raise UserError(f"{file}, line {line}, is no valid XML: {text}") from error
    names = set()
    for number, thing in enumerate(root.findall("object"), 1):
        name, box = thing.findtext("name"), thing.find("bndbox")
        try:
            if not name or box is None:
                raise ValueError
            for corner in _BOX:
                float(box.findtext(corner) or "")
        except ValueError as error:
            raise UserError(
                f"{file}: object {number} lacks its name or a number of its bndbox"
            ) from error
        names.add(name)
    return names


def _coco_keys(evaluator: Any) -> dict[str, tuple[str, ...]]:
    """Returns what each section of a file must have."""
    keys = dict(_COCO_KEYS)
    metrics = evaluator if isinstance(evaluator, list | tuple) else [evaluator or {}]
    if any(metric.get("ann_file") for metric in metrics):  # read by pycocotools
        keys["annotations"] += ("iscrowd",)
    if any(metric.get("format_only") for metric in metrics):  # of unknown objects
        del keys["annotations"]
    return keys


def _check_json(
    data: dict, file: Path, training: bool, sections: dict[str, tuple[str, ...]]
) -> None:
    try:
        with _readable(file):
            content = read_json(file, _LARGEST_JSON, max_depth=None)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}, line {error.lineno}, is no valid JSON: {error.msg}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no text") from error
    except ValueError as error:
        raise UserError(f"{file} is no valid JSON: {error}") from error
    for section, keys in sections.items():
        if not isinstance(content, dict) or not isinstance(content.get(section), list):
            raise UserError(f"{file} is not COCO's: it has no list {section!r}")
        for number, entry in enumerate(content[section], 1):
            place = f"{file}: entry {number} of {section!r}"
            if not isinstance(entry, dict):
                raise UserError(f"{place} is no object with keys")
            missing = [key for key in keys if key not in entry]
            if missing:
                raise UserError(f"{place} has no {missing[0]!r}")
            box = entry["bbox"] if section == "annotations" else [0] * 4
            if not isinstance(box, list) or len(box) != 4:
                raise UserError(f"{place} has the bbox {box}, not x, y, width, height")
    if not content["images"]:
        raise UserError(f"{file} lists no image")
    names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
    used = {entry["category_id"] for entry in content.get("annotations", ())}
    found = {names[number] for number in used if number in names}
    _check_names(data, found, f"that {file} lists", training)

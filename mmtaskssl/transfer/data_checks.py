"""Is the data of a detector or segmentor what its config says?

The hosts stumble over bad data in the middle of a training, or name no file.
"""

import itertools
import json
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from ..utils.errors import UserError

_LOADERS = ("train_dataloader", "val_dataloader")
_XML = ("VOCDataset", "XMLDataset")
_COCO = "CocoDataset"
# Of a larger file the host's own reading has to do.
_LARGEST_JSON = 64 << 20
_LABEL_MAPS = 16
_BOX = ("xmin", "ymin", "xmax", "ymax")


def check_annotations(cfg: Config) -> None:
    """Reads the lists and annotation files of a config's data sets.

    Args:
        cfg: A complete config; of data sets other than VOC's, COCO's and those with a
            list only the files' presence is checked.

    Raises:
        UserError: A file is missing or malformed; names it and the line.
    """
    for loader in _LOADERS:
        for data in _data_sets((cfg.get(loader) or {}).get("dataset")):
            root, name = data.get("data_root") or "", data.get("ann_file")
            if not isinstance(name, str) or not name or "://" in root + name:
                continue
            file = Path(root, name)
            if not file.exists():
                raise UserError(
                    f"annotation file {file} of {loader} does not exist; set "
                    "data_root=..."
                )
            kind = str(data.get("type")).rpartition(".")[2]
            if kind in _XML:
                _check_xml(data, file)
            elif kind == _COCO and file.stat().st_size <= _LARGEST_JSON:
                _check_json(file)


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


def _check_xml(data: dict, listing: Path) -> None:
    prefix = (data.get("data_prefix") or {}).get("sub_data_root", "")
    folder = Path(data.get("data_root") or "", prefix)
    annotations = folder / data.get("ann_subdir", "Annotations")
    classes = (data.get("metainfo") or {}).get("classes")
    found: set[str] = set()
    lines = listing.read_text(encoding="utf-8").split("\n")
    for number, image in enumerate(lines, 1):
        image = image.rstrip("\r")
        if not image:
            continue
        file = annotations / f"{image}.xml"
        if not file.is_file():
            raise UserError(
                f"{file} does not exist, but {listing}, line {number}, lists it"
            )
        found |= _names_in(file)
    if classes and found and found.isdisjoint(classes):
        raise UserError(
            f"no object that {listing} lists is of the config's classes "
            f"{', '.join(classes)}: the files name {', '.join(sorted(found)[:5])}"
        )


def _names_in(file: Path) -> set[str]:
    try:
        root = ElementTree.parse(file).getroot()
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


def _check_json(file: Path) -> None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{file}, line {error.lineno}, is no valid JSON: {error.msg}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is no text") from error
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise UserError(f"{file} is not COCO's: it has no list {key!r}")


def check_training_data(runner: Runner) -> None:
    """Checks the training images of a detector or segmentor before the first step.

    Args:
        runner: Its training loop is built. Data sets of other kinds are left alone.

    Raises:
        UserError: There are none, one is absent, or the number of classes is wrong.
    """
    model, dataset = runner.cfg.get("model") or {}, runner.train_dataloader.dataset
    heads = dict(_heads(model))
    if not heads:
        return
    if len(dataset) == 0:
        raise UserError(
            "no training image is left: the list is empty, or no image has an object "
            "of the config's classes"
        )
    classes = (getattr(dataset, "metainfo", None) or {}).get("classes")
    for name, head in heads.items():
        number = head.get("num_classes")
        if classes and number is not None and number != len(classes):
            raise UserError(
                f"model.{name}.num_classes is {number}, but the training data has "
                f"{len(classes)} classes ({', '.join(classes[:5])}, ...)"
            )
    files = list(itertools.chain.from_iterable(map(_files_of, _innermost(dataset))))
    for image, label_map in files:
        for path in (image, label_map):
            if path and "://" not in path and not os.path.isfile(path):
                raise UserError(f"{path} is listed for training but does not exist")
    head = heads.get("decode_head")
    if head is not None and classes:
        _check_labels(files, len(classes), head.get("ignore_index", 255), dataset)


def _heads(model: dict) -> Iterator[tuple[str, dict]]:
    for name in ("decode_head", "auxiliary_head", "bbox_head", "roi_head"):
        value = model.get(name)
        if name == "roi_head" and value:
            for part in ("bbox_head", "mask_head"):
                yield from _each(f"{name}.{part}", value.get(part))
        else:
            yield from _each(name, value)


def _each(name: str, value: Any) -> Iterator[tuple[str, dict]]:
    if isinstance(value, list | tuple):
        for number, head in enumerate(value):
            yield f"{name}[{number}]", head
    elif value:
        yield name, value


def _innermost(dataset: Any) -> Iterator[Any]:
    parts = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", None)]
    for part in parts:
        if part is None:
            yield dataset
        else:
            yield from _innermost(part)


def _files_of(dataset: Any) -> Iterator[tuple[str | None, str | None]]:
    """Yields the paths of image and label map; none where images are generated."""
    if not hasattr(dataset, "get_data_info"):
        return
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if "img" not in info and "img_path" in info:
            yield info["img_path"], info.get("seg_map_path")


def _check_labels(
    files: list[tuple[str | None, str | None]], classes: int, ignored: int, dataset: Any
) -> None:
    """Looks for labels that the head does not have, in some of the maps."""
    first = next(_innermost(dataset))
    if getattr(first, "reduce_zero_label", False) or getattr(first, "label_map", None):
        return  # the files' labels are not the head's
    maps = [label_map for _, label_map in files if label_map and "://" not in label_map]
    for path in maps[:: max(1, len(maps) // _LABEL_MAPS)]:
        labels = np.unique(np.asarray(Image.open(path)))
        wrong = [int(i) for i in labels if i >= classes and i not in (ignored, 255)]
        if wrong:
            raise UserError(
                f"{path} has the label {wrong[0]}, but the config has {classes} "
                "classes: set num_classes and the classes, or ignore_index"
            )

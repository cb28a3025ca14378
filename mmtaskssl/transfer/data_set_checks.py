"""Can a downstream model be trained or tested on the data sets it has?"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from mmengine.config import Config

from ..datasets.annotations.image_sizes import judge_sizes
from ..utils.families import ClassMismatch, FileFormat, FileMissing, NoImages
from ..utils.progress import ProgressLine
from .data_report import report
from .label_map_checks import check_label_maps, find_overlooked


def check_data_set(cfg: Config, dataset: Any, purpose: str) -> None:
    """Checks the images of a downstream model before the first step.

    Args:
        cfg: Of a classifier only the classes are counted; data sets of models of other
            kinds are left alone.
        dataset: As a data loader has it, wrapped or not.
        purpose: "training", "validation" or "test", for the messages.

    Raises:
        UserError: There are none, one is absent, or the number of classes is wrong.
    """
    model = cfg.get("model") or {}
    heads = dict(_heads(model))
    if not heads:
        _check_classes(model.get("head") or {}, dataset, purpose)
        return
    if len(dataset) == 0:
        raise NoImages(
            f"no {purpose} image is left: the list is empty, or no image has an object "
            "of the config's classes"
        )
    classes = (getattr(dataset, "metainfo", None) or {}).get("classes")
    for name, head in heads.items():
        number = head.get("num_classes")
        if classes and number is not None and number != len(classes):
            raise ClassMismatch(
                f"model.{name}.num_classes is {number}, but the {purpose} data has "
                f"{len(classes)} classes ({', '.join(classes[:5])}, ...)"
            )
    parts = [(part, list(_files_of(part))) for part in _innermost(dataset)]
    files = [file for _, files in parts for file in files]
    for file in files:
        _check_there(file, purpose)
    sizes = [(f.image, f.size, "annotation") for f in files if f.image and f.size]
    found = judge_sizes(sizes, False, ProgressLine("sizes", max(1, len(sizes))))
    head = heads.get("decode_head")
    if head is not None and classes:
        maps = [
            (part, f.image, f.label_map)
            for part, files in parts
            for f in files
            if f.image and f.label_map and "://" not in f"{f.image}{f.label_map}"
        ]
        ignored = head.get("ignore_index", 255)
        found += check_label_maps(maps, classes, ignored, purpose)
        for part, _ in parts:
            found += find_overlooked(part, purpose)
    report(found)


class _Files(NamedTuple):
    """An image of a data set, its label map, and its size as it is annotated."""

    image: str | None
    label_map: str | None
    size: tuple[int, int] | None


def _check_there(file: _Files, purpose: str) -> None:
    for path in (file.image, file.label_map):
        if not path or "://" in path:
            continue
        if not os.path.isfile(path):
            raise FileMissing(f"{path} is listed for {purpose} but does not exist")
        if not os.path.getsize(path):
            raise FileFormat(f"{path} is listed for {purpose} but is empty")


def _check_classes(head: dict, dataset: Any, purpose: str) -> None:
    """Refuses too few classes; too many do no harm with one label an image."""
    number = head.get("num_classes")
    classes = (getattr(dataset, "metainfo", None) or {}).get("classes")
    if not number or not classes or len(classes) == number:
        return
    if len(classes) > number or "MultiLabel" in str(head.get("type")):
        raise ClassMismatch(
            f"model.head.num_classes is {number}, but the {purpose} data has "
            f"{len(classes)} classes ({', '.join(classes[:5])}, ...)"
        )


def _heads(model: dict) -> Iterator[tuple[str, dict]]:
    for name in ("decode_head", "auxiliary_head", "bbox_head", "mask_head", "roi_head"):
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


def _files_of(dataset: Any) -> Iterator[_Files]:
    """Yields the files of each image; none where images are generated."""
    if not hasattr(dataset, "get_data_info"):
        return
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if "img" in info or "img_path" not in info:
            continue
        size = info.get("width") or 0, info.get("height") or 0
        known = min(size) > 0 and "://" not in info["img_path"]
        yield _Files(
            info["img_path"], info.get("seg_map_path"), size if known else None
        )

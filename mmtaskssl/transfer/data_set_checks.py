"""Can a downstream model be trained or tested on the data sets it has?"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from mmengine.config import Config

from ..datasets.images import BrokenImage, open_picture
from ..utils.errors import UserError

_LABEL_MAPS = 16


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
        raise UserError(
            f"no {purpose} image is left: the list is empty, or no image has an object "
            "of the config's classes"
        )
    classes = (getattr(dataset, "metainfo", None) or {}).get("classes")
    for name, head in heads.items():
        number = head.get("num_classes")
        if classes and number is not None and number != len(classes):
            raise UserError(
                f"model.{name}.num_classes is {number}, but the {purpose} data has "
                f"{len(classes)} classes ({', '.join(classes[:5])}, ...)"
            )
    files = list(itertools.chain.from_iterable(map(_files_of, _innermost(dataset))))
    for image, label_map in files:
        for path in (image, label_map):
            if not path or "://" in path:
                continue
            if not os.path.isfile(path):
                raise UserError(f"{path} is listed for {purpose} but does not exist")
            if not os.path.getsize(path):
                raise UserError(f"{path} is listed for {purpose} but is empty")
    head = heads.get("decode_head")
    if head is not None and classes:
        _check_labels(files, len(classes), head.get("ignore_index", 255), dataset)


def _check_classes(head: dict, dataset: Any, purpose: str) -> None:
    """Refuses too few classes; too many do no harm with one label an image."""
    number = head.get("num_classes")
    classes = (getattr(dataset, "metainfo", None) or {}).get("classes")
    if not number or not classes or len(classes) == number:
        return
    if len(classes) > number or "MultiLabel" in str(head.get("type")):
        raise UserError(
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
        labels = _read_labels(path)
        wrong = [int(i) for i in labels if i >= classes and i not in (ignored, 255)]
        if wrong:
            raise UserError(
                f"{path} has the label {wrong[0]}, but the config has {classes} "
                "classes: set num_classes and the classes, or ignore_index"
            )


def _read_labels(path: str) -> np.ndarray:
    """Returns the labels that a map has."""
    try:
        with open_picture(path) as image:
            pixels = np.asarray(image)
    except BrokenImage as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise UserError(f"{path} is no readable label map: {reason}") from error
    if pixels.ndim != 2:
        raise UserError(
            f"{path} is a colour image: a label map has one channel, of class numbers"
        )
    return np.unique(pixels)

"""The objects of a detection task, as images to route by."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import print_log

from ..datasets.annotations.boxes import BoxJudge
from ..datasets.annotations.findings import Finding, refuse
from ..datasets.annotations.voc import read_voc_xml
from ..datasets.eval_transform import EvalTransform
from ..datasets.images import BrokenImage, read_image
from ..datasets.regions import cut
from ..utils.families import BadLabels, TargetTooSmall
from ..utils.inputs import read_text
from .task import Task

TRAIN_LIST = Path("ImageSets", "Main", "train.txt")
# Around a box, as a share of its sides: what surrounds an object helps to tell it.
_MARGIN = 0.1
_LEAST_SIDE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """An object: its image, its class, and its corners in pixels from 0."""

    image: str
    label: str
    left: float
    top: float
    right: float
    bottom: float


def is_detection(target: str | Path) -> bool:
    """Whether a folder is laid out as PASCAL VOC: it lists its training images."""
    return (Path(target) / TRAIN_LIST).is_file()


def read_boxes(target: str | Path) -> list[Box]:
    """Reads the objects of the training images; no other list is looked into.

    Objects marked difficult and those of less than 8 pixels a side are left out.

    Args:
        target: Has ``ImageSets/Main/train.txt`` and ``Annotations/NAME.xml``.

    Raises:
        UserError: An annotation is missing, no VOC XML, or its boxes mean something
            else.
    """
    target, judge = Path(target), BoxJudge()
    found = []
    for line in read_text(target / TRAIN_LIST).splitlines():
        if not line.strip():
            continue
        name = line.split()[0]
        path = target / "Annotations" / f"{name}.xml"
        try:
            objects, size = read_voc_xml(path)
        except OSError as error:
            raise BadLabels(f"{path} is no annotation in VOC XML ({error})") from error
        for number, item in enumerate(objects, 1):
            left, top, right, bottom = item.corners
            # VOC counts from 1 and both ends belong to the box.
            width, height = right - left + 1, bottom - top + 1
            box = left - 1, top - 1, width, height
            judge.add(f"{path}: object {number}", box, size, item.difficult)
            if not item.difficult and min(width, height) >= _LEAST_SIDE:
                corners = left - 1, top - 1, right, bottom
                found.append(Box(name, item.name.strip(), *corners))
    refuse(judge.findings(str(target)), _say)
    return found


def _say(finding: Finding) -> None:
    print_log(f"annotations: {finding.text}", "current", logging.WARNING)


def read_detection_task(
    target: str | Path,
    transform: EvalTransform,
    max_images: int = 2000,
    seed: int = 0,
) -> Task:
    """Reads the ground-truth boxes of the training images as small images.

    Classifying crops is a proxy for detection: it ranks paths for a shortlist that is
    then fine-tuned.

    Args:
        target: See `read_boxes`; images are ``JPEGImages/NAME.jpg`` (or ``.png``).
        transform: Crops and normalises.
        max_images: Of more boxes, this many are drawn at random.
        seed: Of the draw.

    Raises:
        UserError: Bad annotations, no readable image, or fewer than two classes.
    """
    boxes = read_boxes(target)
    order = np.random.default_rng(seed).permutation(len(boxes))[:max_images]
    drawn = [boxes[i] for i in sorted(order)]
    root = Path(target) / "JPEGImages"
    pixels, kept, broken, name, image = [], [], 0, None, None
    for box in drawn:
        if box.image != name:
            name, image = box.image, _read(root, box.image)
        if image is None:
            broken += 1
            continue
        pixels.append(torch.from_numpy(transform.crop(_cut(image, box)).copy()))
        kept.append(box)
    classes = sorted({box.label for box in kept})
    if len(classes) < 2:
        raise TargetTooSmall(
            f"{target} has boxes of {len(classes)} classes in readable training "
            "images: routing by labels needs two"
        )
    return Task(
        root,
        [_file(root, box.image).name for box in kept],
        torch.stack(pixels),
        torch.tensor([classes.index(box.label) for box in kept]),
        classes,
        len(boxes) - len(drawn),
        broken,
        transform,
    )


def _file(root: Path, name: str) -> Path:
    found = (root / f"{name}{suffix}" for suffix in (".jpg", ".jpeg", ".png"))
    return next((path for path in found if path.is_file()), root / f"{name}.jpg")


def _read(root: Path, name: str) -> np.ndarray | None:
    try:
        return read_image(_file(root, name))
    except BrokenImage:
        return None


def _cut(image: np.ndarray, box: Box) -> np.ndarray:
    return cut(image, (box.left, box.top, box.right, box.bottom), _MARGIN)

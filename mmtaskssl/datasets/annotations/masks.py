"""The regions of label maps, and of COCO's polygons and run lengths."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np

from .shapes import runs_of

#: What one region is: connected pixels of a class (of COCO: an object), or all of it.
Unit = Literal["component", "class"]


@dataclasses.dataclass(frozen=True)
class Region:
    """Pixels of an image that are of one class.

    Attributes:
        number: Of all regions of its image, from 0; the smallest ones count, too.
        label: Its class: an index of a label map, or a category's name.
        corners: Left, top, right and bottom of what it spans, in pixels from 0; the
            last ones are outside.
        area: In pixels.
    """

    number: int
    label: int | str
    corners: tuple[int, int, int, int]
    area: int


def regions_of_map(
    label_map: np.ndarray, void: Sequence[int], unit: Unit
) -> Iterator[tuple[Region, np.ndarray, int]]:
    """Yields the regions of a label map, class by class.

    Args:
        label_map: (H, W) integers: the class of each pixel.
        void: Indices that belong to no class.
        unit: Pixels that touch, at a corner too, are one component.

    Yields:
        A region; and (H, W) integers, and which of them its pixels have.
    """
    number = 0
    for value in np.unique(label_map).tolist():
        if value in void:
            continue
        parts = (label_map == value).astype(np.uint8)
        if unit == "component":
            _, parts, stats, _ = cv2.connectedComponentsWithStats(parts, connectivity=8)
        else:
            area = cv2.countNonZero(parts)
            stats = np.array([[0] * 5, [*cv2.boundingRect(parts), area]])
        for part, (left, top, width, height, area) in enumerate(stats.tolist()):
            if part:  # 0 is what is around them
                corners = left, top, left + width, top + height
                yield Region(number, value, corners, area), parts, part
                number += 1


def regions_of_objects(
    objects: Sequence[tuple[str, Any]], size: tuple[int, int], unit: Unit
) -> Iterator[tuple[Region, np.ndarray, int]]:
    """Yields the regions of COCO's objects in an image.

    Args:
        objects: Class and "segmentation" of each.
        size: Width and height of the image.
        unit: "component": each object, in their order; "class": all objects of each
            class, in the order of their first.

    Yields:
        See `regions_of_map`.
    """
    groups: list[tuple[str, list[Any]]] = [(label, [shape]) for label, shape in objects]
    if unit == "class":
        by_class: dict[str, list[Any]] = {}
        for label, shape in objects:
            by_class.setdefault(label, []).append(shape)
        groups = [*by_class.items()]
    for number, (label, shapes) in enumerate(groups):
        drawn = np.zeros((size[1], size[0]), np.uint8)
        for shape in shapes:
            drawn |= drawn_shape(shape, size)
        if area := cv2.countNonZero(drawn):  # else it lies outside, or is no pixel wide
            left, top, width, height = cv2.boundingRect(drawn)
            corners = left, top, left + width, top + height
            yield Region(number, label, corners, area), drawn, 1


def drawn_shape(shape: Any, size: tuple[int, int]) -> np.ndarray:
    """Draws one of COCO's segmentations; what lies outside of the image is left out.

    Args:
        shape: Polygons, each a list of x and y from the image's corner; or run lengths,
            packed or not, down the columns.
        size: Width and height.

    Returns:
        (H, W) uint8, 1 inside: where a pixel's centre is.
    """
    width, height = size
    if isinstance(shape, Mapping):
        runs = runs_of(shape["counts"])
        values = np.repeat(np.arange(len(runs)) & 1, runs).astype(np.uint8)
        return np.ascontiguousarray(values.reshape(width, height).T)
    drawn = np.zeros((height, width), np.uint8)
    for polygon in shape:
        drawn |= _filled(np.asarray(polygon, np.float64).reshape(-1, 2), size)
    return drawn


def _filled(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Fills a polygon (N, 2): a pixel is inside if its row crosses it an odd time."""
    width, height = size
    flips = np.zeros((height, width + 1), np.uint8)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = sorted((y0, y1))
        rows = np.arange(
            *(max(0, int(np.ceil(low - 0.5))), min(height, int(np.ceil(high - 0.5))))
        )
        if len(rows):
            crossed = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            flips[rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)] ^= 1
    return np.bitwise_xor.accumulate(flips, axis=1)[:, :width]

"""Boxes within the images that they are of."""

import dataclasses
from collections.abc import Sequence

from .facts import ImageFacts
from .inspected import Finding
from .labelled import Box, Item

# Pixels that a box may stand out by the rounding of a tool.
_ROUNDING = 1.0


@dataclasses.dataclass
class BoxFitter:
    """Cuts boxes to their images, and counts what it does.

    Attributes:
        empty: Boxes without a pixel within their image, which are left out.
        cut: Boxes that stood out by more than a pixel.
        bare: Images without a box.
        crowd: Boxes that count neither as found nor as missed.
        example: An image of the first two kinds.
    """

    empty: int = 0
    cut: int = 0
    bare: int = 0
    crowd: int = 0
    example: str = ""

    def fit(self, item: Item, fact: ImageFacts) -> Item | str:
        """Returns an image with its boxes cut to it, or why it cannot be used."""
        size = fact.width, fact.height
        if item.size is not None and item.size != size:
            return (
                f"its annotation is of {item.size[0]} x {item.size[1]} pixels, and it "
                f"has {size[0]} x {size[1]}"
            )
        boxes = []
        for box in item.boxes:
            left, top = max(box.x, 0.0), max(box.y, 0.0)
            right = min(box.x + box.width, float(size[0]))
            bottom = min(box.y + box.height, float(size[1]))
            if min(box.width, box.height, right - left, bottom - top) <= 0:
                self.empty += 1
                self.example = self.example or item.image
                continue
            inside = Box(box.name, left, top, right - left, bottom - top, box.crowd)
            lost = max(box.width - inside.width, box.height - inside.height)
            if lost > _ROUNDING:
                self.cut += 1
                self.example = self.example or item.image
            self.crowd += box.crowd
            boxes.append(inside)
        self.bare += not boxes
        labels = tuple(sorted({box.name for box in boxes if not box.crowd}))
        return dataclasses.replace(item, boxes=tuple(boxes), labels=labels, size=size)

    def findings(self, images: int) -> Sequence[Finding]:
        """Says what was done to the boxes of so many images."""
        found = []
        if self.empty or self.cut:
            text = (
                f"{self.empty:,} boxes are empty or outside of their image and are "
                f"left out, {self.cut:,} are cut to it, such as in {self.example}"
            )
            found.append(Finding("warning", text))
        if self.bare:
            text = f"{self.bare:,} of {images:,} images of the target have no box"
            found.append(Finding("note", text))
        if self.crowd:
            text = (
                f"{self.crowd:,} boxes are crowds or difficult: they count neither as "
                "found nor as missed"
            )
            found.append(Finding("note", text))
        return found

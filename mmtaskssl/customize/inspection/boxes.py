"""Boxes within the images that they are of."""

import dataclasses
from collections.abc import Sequence

from ...datasets.annotations.boxes import BoxJudge
from ...datasets.annotations.findings import Tally
from ...datasets.annotations.image_sizes import of_sizes
from .facts import ImageFacts
from .inspected import Finding
from .labelled import Box, Item


@dataclasses.dataclass
class BoxFitter:
    """Cuts the boxes of a part to their images, and counts what it does.

    Attributes:
        bare: Images without a box.
        crowd: Boxes that count neither as found nor as missed.
        resized: Images of another size than their annotation.
    """

    bare: int = 0
    crowd: int = 0
    resized: Tally = dataclasses.field(default_factory=Tally)
    _judge: BoxJudge = dataclasses.field(default_factory=BoxJudge)

    def fit(self, item: Item, fact: ImageFacts) -> Item | str:
        """Returns an image with its boxes cut to it, or why it cannot be used."""
        size = fact.width, fact.height
        if item.size is not None and item.size != size:
            self.resized.add(item.image)
            return (
                f"its annotation is of {item.size[0]} x {item.size[1]} pixels, and it "
                f"has {size[0]} x {size[1]}"
            )
        boxes = []
        for number, box in enumerate(item.boxes, 1):
            place = f"{item.image}, box {number}"
            whole = box.x, box.y, box.width, box.height
            inside = self._judge.add(place, whole, size, box.crowd)
            if inside is not None:
                self.crowd += box.crowd
                boxes.append(Box(box.name, *inside, box.crowd))
        self.bare += not boxes
        labels = tuple(sorted({box.name for box in boxes if not box.crowd}))
        return dataclasses.replace(item, boxes=tuple(boxes), labels=labels, size=size)

    def findings(self, part: str, images: int) -> Sequence[Finding]:
        """Says what is wrong with the boxes of so many images, or was done to them."""
        found = self._judge.findings(part)
        if self.resized.count:
            sizes = of_sizes(self.resized, images + self.resized.count, "annotation")
            found += [sizes] * (sizes.level == "error")  # others are left out, and said
        if self.bare:
            text = f"{self.bare:,} of {images:,} images of {part} have no box"
            found.append(Finding("note", text))
        if self.crowd:
            text = (
                f"{self.crowd:,} boxes of {part} are crowds or difficult: they count "
                "neither as found nor as missed"
            )
            found.append(Finding("note", text))
        return found

"""A target as its files name it, before an image is opened."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .inspected import Finding, TaskKind

#: What folders and lists of the parts are called.
PART_NAMES: Mapping[str, Sequence[str]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
#: The part of a target that is not divided.
ALL = "all"


def part_of(name: str) -> str | None:
    """Returns the part that a name means, in any case; None: it means none."""
    for part, names in PART_NAMES.items():
        if name.lower() in names:
            return part
    return None


@dataclasses.dataclass(frozen=True)
class Box:
    """An object of a detection.

    Attributes:
        name: Its class.
        x: Left edge, pixels.
        y: Upper edge.
        width: Above 0.
        height: Above 0.
        crowd: Whether it counts neither as found nor as missed.
    """

    name: str
    x: float
    y: float
    width: float
    height: float
    crowd: bool = False


@dataclasses.dataclass(frozen=True)
class Item:
    """An image of a target.

    Attributes:
        image: Path relative to the part's root.
        labels: The classes that are in it, sorted, each once.
        boxes: Of a detection.
        size: Width and height that the annotation states; None: it states none.
        mask: Of a segmentation, relative to the part's folder of masks.
    """

    image: str
    labels: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] | None = None
    mask: str = ""


@dataclasses.dataclass(frozen=True)
class Part:
    """Images of a target that belong together.

    Attributes:
        root: Folder of the images.
        items: The images, each once.
        masks: Of a segmentation the folder of the masks.
    """

    root: Path
    items: Sequence[Item]
    masks: Path | None = None

    def labels_sha256(self) -> str:
        """Hashes all that is known of the images but their bytes."""
        digest = hashlib.sha256()
        for item in self.items:
            digest.update(repr(item).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def take(self, rows: Sequence[int]) -> "Part":
        """Returns some of the images, in the order of their rows."""
        return dataclasses.replace(self, items=[self.items[row] for row in rows])


@dataclasses.dataclass(frozen=True)
class Labelled:
    """A target as its files name it.

    Attributes:
        kind: Its task.
        form: How it was read, in words.
        parts: By their names, those of `PART_NAMES`, or `ALL` alone.
        findings: For the owner.
        class_names: Where labels alone do not give all of them, or their order.
        facts: What else is known, JSON-ready.
    """

    kind: TaskKind
    form: str
    parts: Mapping[str, Part]
    findings: Sequence[Finding] = ()
    class_names: Sequence[str] | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

"""Targets whose every pixel has a class."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...datasets.annotations.findings import Tally
from ...datasets.annotations.image_sizes import of_sizes
from ...datasets.annotations.label_maps import (
    CLASSES,
    VOID,
    check_exact,
    colours_refused,
    judge_classes,
    look_at_masks,
    masks_by_name,
    read_class_names,
)
from ...datasets.images import list_images
from ...utils.errors import UserError, option
from ...utils.families import BadLabels
from .class_folders import part_folders
from .facts import ImageFacts
from .inspected import Finding
from .kept import Kept
from .labelled import ALL, Item, Labelled, Part
from .voc import read_lists

#: Folders of images, and of their masks.
PAIRS = (
    ("img", "ann"),
    ("img_dir", "ann_dir"),
    ("images", "masks"),
    ("images", "annotations"),
    ("images", "labels"),
    ("JPEGImages", "SegmentationClass"),
)


def find_masks(folder: Path) -> tuple[str, str] | None:
    """Returns the names of the folders of images and of masks; None: there are none."""
    for inside in (folder, *part_folders(folder).values()):
        for images, masks in PAIRS:
            if (inside / images).is_dir() and _holds_images(inside / masks):
                return images, masks
    return None


def _holds_images(folder: Path) -> bool:
    try:
        return folder.is_dir() and bool(list_images(folder))
    except UserError:
        return False


def read_masks(folder: Path, pair: tuple[str, str]) -> Labelled:
    """Lists images and their masks, and opens none.

    Args:
        folder: Holds ``IMAGES`` and ``MASKS``, perhaps each with a folder for every
            part; or one folder for every part that holds both. ``classes.txt`` in it
            names the classes, a line each in the order of their index.
        pair: Of `PAIRS`.

    Raises:
        UserError: An image or a mask is without the other.
    """
    images, masks = pair
    findings: list[Finding] = []
    lists = read_lists(folder, "Segmentation")
    inside = part_folders(folder)
    if lists:
        # Most images of VOC have no mask, and stand in none of these lists.
        whole = _pair(folder / images, folder / masks, [])
        of = {Path(item.image).stem: item for item in whole.items}
        parts = {}
        for name, ids in lists.items():
            if absent := [one for one in ids if one not in of]:
                raise BadLabels(
                    f"the list {name} of {folder} names {absent[0]}, which has no "
                    "image or no mask"
                )
            parts[name] = dataclasses.replace(whole, items=[of[one] for one in ids])
    elif inside and not (folder / images).is_dir():
        parts = {n: _pair(p / images, p / masks, findings) for n, p in inside.items()}
    elif divided := part_folders(folder / images):
        of_masks = part_folders(folder / masks)
        if missing := {*divided} - {*of_masks}:
            raise BadLabels(f"{folder / masks} has no folder {min(missing)}")
        parts = {n: _pair(p, of_masks[n], findings) for n, p in divided.items()}
    else:
        parts = {ALL: _pair(folder / images, folder / masks, findings)}
    form = f"the folders {images} and {masks}"
    names = read_class_names(folder)
    return Labelled("segmentation", form, parts, findings, names)


def _pair(images: Path, masks: Path, findings: list[Finding]) -> Part:
    _, image_ids = list_images(images)
    _, mask_ids = list_images(masks)
    of = masks_by_name(mask_ids)
    items, alone = [], []
    for image in image_ids:
        mask = of.get(str(Path(image).with_suffix("")))
        if mask is None:
            alone.append(image)
        else:
            items.append(Item(image, mask=mask))
    check_exact([item.mask for item in items], str(masks))
    if not items:
        raise BadLabels(
            f"no image of {images} has a mask in {masks}: the mask of {alone[0]} must "
            f"be called {Path(alone[0]).with_suffix('.png')}"
        )
    used = {item.mask for item in items}
    if unused := [mask for mask in mask_ids if mask not in used]:
        text = f"{len(unused):,} masks of {masks} are of no image, such as {unused[0]}"
        findings.append(Finding("warning", text))
    if alone:
        text = f"{len(alone):,} images of {images} have no mask, such as {alone[0]}"
        findings.append(Finding("warning", f"{text}: they are left out"))
    return Part(images, items, masks)


def look_at_part(part: Part, stage: str, kept: Kept) -> list[dict[str, Any]]:
    """Returns what is in each mask, see `look_at_masks`.

    Args:
        part: Of a segmentation.
        stage: Name of the pass, see `Kept`.
        kept: What is known of them already.
    """
    assert part.masks is not None
    folder = part.masks

    def finder(batch: Sequence[str]) -> list[dict[str, Any]]:
        return look_at_masks([folder / mask for mask in batch])

    return kept.each(stage, [item.mask for item in part.items], finder)


@dataclasses.dataclass(frozen=True)
class Indices:
    """What the numbers in masks mean.

    Attributes:
        class_names: In the order of their index, from ``first`` on.
        void: The index of what belongs to no class.
        first: Index of the first class: 1 where 0 is void.
    """

    class_names: Sequence[str]
    void: int
    first: int

    def labels(self, values: Sequence[int]) -> tuple[str, ...]:
        """Returns the classes of the values of a mask."""
        return tuple(
            self.class_names[value - self.first]
            for value in values
            if value != self.void
        )


def indices_of(
    masks: Mapping[str, Sequence[dict[str, Any]]],
    names: Sequence[str] | None,
    void: int | None,
) -> tuple[Indices, list[Finding]]:
    """Finds out what the numbers in masks mean.

    Args:
        masks: What `look_at_part` returned, by folder.
        names: Of the classes, if they are given.
        void: The index of what belongs to no class; None: 255, or the only one that is
            beyond the names.

    Raises:
        UserError: The masks hold colours or too many indices; says what to do.
    """
    for folder, found in masks.items():
        if any(mask.get("colour") for mask in found):
            raise colours_refused(folder)
    values = sorted(
        {v for one in masks.values() for m in one for v in m.get("values", ())}
    )
    findings = []
    beyond = [v for v in values if names is not None and v >= len(names) and v != VOID]
    if void is None and len(beyond) == 1 and VOID not in values:
        void = beyond[0]
    if void is not None:
        text = f"the index {void} in the masks belongs to no class"
    elif VOID in values:
        text = f"the index {VOID} in the masks belongs to no class"
    else:
        text = (
            "every index in the masks is a class: if one of them marks what belongs to "
            f"none, name it with {option('void')}"
        )
    findings.append(Finding("note", text))
    void = VOID if void is None else void
    classes = [value for value in values if value != void]
    if len(classes) < 2:
        raise BadLabels(
            f"the masks hold the numbers {', '.join(map(str, values))} alone, of which "
            f"{void} belongs to no class: write an object as 1 and what is around it "
            f"as 0, or name another index with {option('void')}"
        )
    first = int(void == 0)
    if first < void < classes[-1] and void != VOID:
        raise BadLabels(
            f"the index {void} of what belongs to no class lies among the classes "
            f"{classes[0]} to {classes[-1]}: write it as 255"
        )
    if classes[-1] > VOID:
        raise BadLabels(
            f"the masks hold the number {classes[-1]}: classes are numbers below {VOID}"
        )
    count = classes[-1] + 1 - first
    if names is not None and count > len(names):
        raise BadLabels(
            f"the masks hold the class {classes[-1]}, but {CLASSES} names {len(names)}"
        )
    given = names or [str(index + first) for index in range(count)]
    return Indices(list(given), void, first), findings


@dataclasses.dataclass
class MaskFitter:
    """Holds the masks of a part against its images, and counts what they are.

    Attributes:
        indices: What their numbers mean.
        resized: Images of another size than their mask.
        total: All images.
        used: The masks that fit.
        classes: Those of each mask, from 0.
    """

    indices: Indices
    resized: Tally = dataclasses.field(default_factory=Tally)
    total: int = 0
    used: list[str] = dataclasses.field(default_factory=list)
    classes: list[list[int]] = dataclasses.field(default_factory=list)

    def fit(self, item: Item, fact: ImageFacts, mask: Mapping[str, Any]) -> Item | str:
        """Returns an image with the classes of its mask, or why it cannot be used."""
        self.total += 1
        if "broken" in mask:
            return f"its mask cannot be read: {mask['broken']}"
        size = mask["width"], mask["height"]
        if size != (fact.width, fact.height):
            self.resized.add(item.image)
            return (
                f"its mask has {size[0]} x {size[1]} pixels, and it has {fact.width} x "
                f"{fact.height}"
            )
        first, void = self.indices.first, self.indices.void
        self.used.append(item.mask)
        self.classes.append(
            [value - first for value in mask["values"] if value != void]
        )
        return dataclasses.replace(item, labels=self.indices.labels(mask["values"]))

    def findings(self, where: str, training: bool) -> list[Finding]:
        """Says what is wrong with the masks.

        Args:
            where: Which they are.
            training: Whether something is to learn from them.
        """
        names = self.indices.class_names
        found = judge_classes(self.classes, self.used, where, training, names)
        if self.resized.count:
            sizes = of_sizes(self.resized, self.total, "mask")
            found += [sizes] * (sizes.level == "error")  # others are left out, and said
        return found

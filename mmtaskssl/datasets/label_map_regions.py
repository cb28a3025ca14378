"""Regions of label maps: images whose pixels are indices of classes."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..utils.families import BadLabels, ImagesMismatch
from .annotations.findings import Finding, Tally
from .annotations.image_sizes import judge_sizes
from .annotations.label_maps import (
    CLASSES,
    VOID,
    check_exact,
    colours_refused,
    masks_by_name,
    read_class_names,
)
from .annotations.masks import Region, Unit, regions_of_map
from .folders import is_folder
from .image_reader import BrokenImage, open_picture
from .images import list_images
from .mask_sources import Drawn, MaskSource, each, judged
from .regions import names_of, say


@dataclasses.dataclass(frozen=True, eq=False)
class _LabelMaps(MaskSource):
    """Label maps.

    Attributes:
        root: Folder of the images.
        folder: Of the masks.
        masks: Path of each image's there.
        unit: See `Unit`.
        void: Indices of no class.
        names: Of the classes; None: they are called by their index.
    """

    root: Path
    folder: Path
    masks: Mapping[str, str]
    unit: Unit
    void: Sequence[int]
    names: Sequence[str] | None

    def name(self, label: int | str) -> str:
        """See `MaskSource`."""
        return str(label) if self.names is None else self.names[int(label)]

    def files(self) -> tuple[Path, Sequence[str]]:
        """See `MaskSource`."""
        return self.folder, [*self.masks.values()]

    def regions(self, image: str, size: tuple[int, int]) -> Iterator[Drawn]:
        """See `MaskSource`."""
        return regions_of_map(self._map(image), self.void, self.unit)

    def _map(self, image: str) -> np.ndarray:
        with open_picture(self.folder / self.masks[image]) as picture:
            found = np.asarray(picture)
        if found.ndim != 2 or found.dtype.kind not in "bui":
            raise colours_refused(str(self.folder))
        return found

    def all_regions(
        self, image_ids: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Region]]]:
        """See `MaskSource`."""
        mine = [image for image in image_ids if image in self.masks]
        sizes, broken = [], Tally()
        for image, found in each(mine, self._look):
            if isinstance(found, str):
                broken.add(found)
                continue
            regions, size = found
            labels = sorted({int(region.label) for region in regions})
            self._check(image, labels)
            sizes.append((self.root / image, size, "mask"))
            yield image, regions
        findings = judge_sizes(sizes, harmful=False) if sizes else []
        if broken.count:
            text = f"{broken.of(len(mine), 'masks')} cannot be read: they are left out"
            findings.append(Finding("warning" if sizes else "error", text))
        judged(findings)

    def _look(self, image: str) -> tuple[Sequence[Region], tuple[int, int]] | str:
        try:
            found = self._map(image)
        except BrokenImage as error:
            return str(error)
        height, width = found.shape
        drawn = regions_of_map(found, self.void, self.unit)
        return [region for region, _, _ in drawn], (width, height)

    def _check(self, image: str, labels: Sequence[int]) -> None:
        """Refuses numbers that are no classes."""
        most = VOID if self.names is None else len(self.names)
        if not labels or labels[-1] < most:
            return
        path = self.folder / self.masks[image]
        if self.names is None:
            raise BadLabels(
                f"{path} has the number {labels[-1]}, and classes are below {VOID}: "
                "write the index of its class in place of that of each object"
            )
        raise BadLabels(
            f"{path} has the class {labels[-1]}, but {CLASSES} names {most}"
        )


def read_label_maps(
    masks: str | os.PathLike,
    root: Path,
    image_ids: Sequence[str],
    unit: Unit,
    void: int | None,
) -> MaskSource:
    """Pairs label maps with images, and opens none.

    Args:
        masks: A source of images: that of ``NAME.jpg``, or of one whose path ends so,
            is ``NAME.png`` (or ``NAME_mask.png``, ``NAME_label.png``,
            ``NAME_seg.png``). ``classes.txt`` there, or above, names the classes.
        root: Folder of the images.
        image_ids: The images.
        unit: See `Unit`.
        void: An index of no class, beside 255.

    Raises:
        UserError: There are no masks, none of them is of these images, or one is a
            JPEG.
    """
    folder, mask_ids = list_images(masks)
    by_name = masks_by_name(mask_ids)
    plain = {image: str(Path(image).with_suffix("")) for image in image_ids}
    named = names_of(by_name, [*plain.values()])
    found = {i: by_name[named[name]] for i, name in plain.items() if name in named}
    if not found:
        first = Path(image_ids[0]).with_suffix(".png")
        raise ImagesMismatch(
            f"no image has a mask in {masks}: that of {image_ids[0]} must be called "
            f"{first}"
        )
    check_exact([*found.values()], str(masks))
    alone = [image for image in image_ids if image not in found]
    if alone:
        text = (
            f"{len(alone):,} of {len(image_ids):,} images have no mask in {masks}, "
            f"such as {alone[0]}: they are left out"
        )
        say(Finding("warning", text))
    names = None
    for place in (folder, folder.parent) if is_folder(folder) else ():
        names = names or read_class_names(place)
    voids = (VOID,) if void is None else (VOID, void)
    return _LabelMaps(root, folder, found, unit, voids, names)

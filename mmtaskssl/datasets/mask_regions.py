"""The regions of masks, as images to select by."""

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from ..utils.errors import option
from ..utils.families import BadLabels, BadValue
from .annotations.masks import Unit
from .image_reader import BrokenImage, read_image, shrink
from .label_map_regions import read_label_maps
from .mask_sources import Drawn, MaskSource
from .object_regions import read_objects
from .regions import CONTEXT, cut, parts_of, read_region

#: Pixels of the smallest region that is one: as of boxes, 8 x 8.
LEAST_AREA = 64
#: What becomes of what is around a region.
Around = Literal["kept", "grey"]


@dataclasses.dataclass(frozen=True)
class MaskRegions:
    """What was found.

    Attributes:
        labels: The class of each region, by its name, in the order of the images.
        read: Reads a region, see `read_region`; processes can be given it.
        files: A folder, and the files in it that were read to find them.
    """

    labels: dict[str, str]
    read: Callable[..., np.ndarray]
    files: tuple[Path, Sequence[str]]


def read_mask_regions(
    masks: str | os.PathLike,
    root: Path,
    image_ids: Sequence[str],
    *,
    unit: Unit = "component",
    least_area: int = LEAST_AREA,
    void: int | None = None,
    around: Around = "kept",
    grey: Sequence[float] = (127.5, 127.5, 127.5),
) -> MaskRegions:
    """Finds the regions of images that masks draw.

    Args:
        masks: Label maps, each of one channel that has the index of a class, as a
            folder (or another source of images) with the images' names; or a COCO JSON
            with polygons or run lengths, whose crowds are left out.
        root: Folder of the images.
        image_ids: Which ones.
        unit: One region is what touches of a class ("component"; of COCO an object),
            or all of a class in an image ("class").
        least_area: Smaller regions are left out, pixels.
        void: An index of label maps that belongs to no class, beside 255.
        around: What is outside of a region, within its box and the context around that,
            becomes "grey", or is "kept".
        grey: Red, green and blue of it, 0..255.

    Raises:
        UserError: The masks cannot be read, mean something else, are of other images,
            or have no such region.
    """
    path = Path(masks).expanduser()
    if path.suffix.lower() == ".json":
        if void is not None:
            raise BadValue(f"{path} names classes, and has no index that is none")
        source = read_objects(path, root, image_ids, unit)
    else:
        source = read_label_maps(masks, root, image_ids, unit, void)
    mark = "=" if around == "kept" else "~"
    labels: dict[str, str] = {}
    for image, regions in source.all_regions(image_ids):
        for region in regions:
            if region.area >= least_area:
                corners = ",".join(map(str, region.corners))
                name = f"{image}@{corners}{mark}{region.number}"
                labels[name] = source.name(region.label)
    if not labels:
        raise BadLabels(
            f"{masks} has no region of {least_area:,} pixels in the images: lower "
            f"{option('least_area')}, or look whether it is of others"
        )
    if around == "kept":
        return MaskRegions(labels, read_region, source.files())
    colour = tuple(min(255, max(0, round(value))) for value in grey)
    return MaskRegions(labels, _OnGrey(root, source, colour), source.files())


@dataclasses.dataclass(frozen=True)
class _OnGrey:
    """Reads regions; what is around them has one colour."""

    root: Path
    source: MaskSource
    colour: tuple[int, ...]

    def __call__(
        self, path: str | os.PathLike, short_side: int | None = None
    ) -> np.ndarray:
        named = parts_of(os.fspath(path))
        if named is None or named[2] is None:
            return read_image(path, short_side)
        image, corners, number = named
        pixels = read_image(image)
        height, width = pixels.shape[:2]
        inner = Path(image).relative_to(self.root).as_posix()
        drawn = _regions_of(self.source, inner, (width, height))
        of = next((d for d in drawn if d[0].number == number), None)
        if of is None or of[1].shape != (height, width) or of[0].corners != corners:
            raise BrokenImage(f"{path}: its mask has changed, or has another size")
        part = cut(pixels, corners, CONTEXT).copy()
        part[cut(of[1], corners, CONTEXT) != of[2]] = self.colour
        return shrink(part, short_side)


# The regions of an image follow each other.
@functools.lru_cache(maxsize=1)
def _regions_of(
    source: MaskSource, image: str, size: tuple[int, int]
) -> Sequence[Drawn]:
    return [*source.regions(image, size)]

"""Regions of objects that a COCO JSON draws."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.errors import option
from ..utils.families import BadLabels, ImagesMismatch
from .annotations.coco import CocoFile, read_coco_json
from .annotations.findings import Finding, Tally
from .annotations.image_sizes import judge_sizes
from .annotations.masks import Region, Unit, regions_of_objects
from .annotations.shapes import ShapeJudge, whole_polygons
from .image_reader import BrokenImage, upright_size
from .mask_sources import Drawn, MaskSource, each, judged
from .regions import names_of


@dataclasses.dataclass(frozen=True, eq=False)
class _Objects(MaskSource):
    """Objects of a COCO JSON.

    Attributes:
        path: The JSON.
        root: Folder of the images.
        objects: Class and "segmentation" of those of each image.
        sizes: Width and height of images, where the JSON has them.
        unit: See `Unit`.
    """

    path: Path
    root: Path
    objects: Mapping[str, Sequence[tuple[str, Any]]]
    sizes: Mapping[str, tuple[int, int]]
    unit: Unit

    def files(self) -> tuple[Path, Sequence[str]]:
        """See `MaskSource`."""
        return self.path.parent, [self.path.name]

    def regions(self, image: str, size: tuple[int, int]) -> Iterator[Drawn]:
        """See `MaskSource`."""
        if size != self.sizes.get(image, size):
            raise BrokenImage(f"{image}: it has not the size that its masks are of")
        for _, shape in self.objects[image]:
            if isinstance(shape, Mapping) and shape["size"] != [size[1], size[0]]:
                raise BrokenImage(f"{image}: it has not the size that its masks are of")
        return regions_of_objects(self.objects[image], size, self.unit)

    def all_regions(
        self, image_ids: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Region]]]:
        """See `MaskSource`."""
        mine = [image for image in image_ids if image in self.objects]
        broken = Tally()
        for image, found in each(mine, self._look):
            if isinstance(found, str):
                broken.add(found)
            else:
                yield image, found
        findings = []
        sizes = [
            (self.root / i, self.sizes[i], "annotation")
            for i in mine
            if i in self.sizes
        ]
        if sizes:
            findings += judge_sizes(sizes, harmful=False)
        if broken.count:
            text = f"{broken.of(len(mine), 'images')} cannot be read: they are left out"
            findings.append(Finding("warning", text))
        judged(findings)

    def _look(self, image: str) -> Sequence[Region] | str:
        try:
            size = self.sizes.get(image) or upright_size(self.root / image)
            return [region for region, _, _ in self.regions(image, size)]
        except BrokenImage as error:
            return str(error)


def read_objects(
    path: Path, root: Path, image_ids: Sequence[str], unit: Unit
) -> MaskSource:
    """Reads the masks of objects.

    Args:
        path: A COCO JSON, whose file names are image ids or ends of them.
        root: Folder of the images.
        image_ids: The images.
        unit: See `Unit`.

    Raises:
        UserError: It cannot be read, has no masks or ones that cannot be drawn, or is
            of other images.
    """
    try:
        file = CocoFile(path, read_coco_json(path))
    except OSError as error:
        raise BadLabels(f"{path} cannot be read as COCO's JSON ({error})") from error
    judge, objects = ShapeJudge(), dict[str, list[tuple[str, Any]]]()
    sizes: dict[str, tuple[int, int]] = {}
    entries = [(p, e) for p, e in file.annotations if not _is_crowd(e)]
    if entries and not any(entry.get("segmentation") for _, entry in entries):
        raise BadLabels(
            f"{path} has boxes, and no polygon or run lengths of an object: name it "
            f"with {option('boxes')}"
        )
    for place, entry in entries:
        image, shape = file.images[entry["image_id"]], entry.get("segmentation")
        name, size = str(image["file_name"]), file.size(image)
        if size is not None:
            sizes[name] = size
        judge.add(place, shape, size)
        if not isinstance(shape, Mapping):
            shape = whole_polygons(shape)
        label = file.categories[entry["category_id"]]
        objects.setdefault(name, []).append((label, shape))
    judged([*file.findings, *judge.findings(str(path))])
    named = names_of(objects, image_ids)
    if objects and not named:
        raise ImagesMismatch(
            f"{path} names other images, such as {next(iter(objects))}: none of the "
            f"{len(image_ids):,} images, such as {image_ids[0]}, is among them"
        )
    mine = {image: objects[name] for image, name in named.items()}
    known = {image: sizes[name] for image, name in named.items() if name in sizes}
    return _Objects(path, root, mine, known, unit)


def _is_crowd(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("iscrowd")) or bool(entry.get("ignore"))

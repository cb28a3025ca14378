"""Is a COCO JSON what it says?"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmtaskssl.utils.families import BadLabels
from mmtaskssl.utils.inputs import read_json

from .boxes import BoxJudge
from .findings import MOST, Finding, Tally
from .shapes import ShapeJudge

#: Of each section, what a reader of boxes cannot do without.
KEYS: Mapping[str, Sequence[str]] = {
    "images": ("id", "file_name"),
    "annotations": ("image_id", "category_id", "bbox"),
    "categories": ("id", "name"),
}
#: COCO's own has 450 MB.
LARGEST = 2 << 30
_IDS = ("id", "image_id", "category_id")


def read_coco_json(path: Path) -> Any:
    """Parses a COCO JSON.

    Raises:
        UserError: It is no JSON; names the line where it can.
        OSError: It cannot be read.
    """
    try:
        return read_json(path, LARGEST, max_depth=None)
    except json.JSONDecodeError as error:
        raise BadLabels(
            f"{path}, line {error.lineno}, is no valid JSON ({error.msg}), so that it "
            "cannot be read as COCO's JSON"
        ) from error
    except UnicodeDecodeError as error:
        raise BadLabels(
            f"{path} is no text, and cannot be read as COCO's JSON"
        ) from error
    except ValueError as error:
        raise BadLabels(f"{path} cannot be read as COCO's JSON: {error}") from error


class CocoFile:
    """The sections of a COCO JSON, whose ids fit each other.

    Args:
        path: The file.
        content: What `read_coco_json` returned.
        keys: Of each section that has to be there the keys of its entries.

    Attributes:
        images: Entries by their id.
        annotations: Their place, for messages, and the entries of images that are
            listed.
        categories: Names by their id, in the order of the file.
        findings: What is odd.

    Raises:
        UserError: A section, a key or an id is absent, twice or of nothing; names the
            entry.
    """

    def __init__(
        self,
        path: Path,
        content: Any,
        keys: Mapping[str, Sequence[str]] = KEYS,
    ) -> None:
        self.path, self.findings = path, list[Finding]()
        sections = {
            name: list(_entries(path, content, name, needed))
            for name, needed in keys.items()
        }
        if not sections["images"]:
            raise BadLabels(f"{path} lists no image")
        self.images = _by_id(sections["images"])
        self.categories: dict[int | str, str] = {}
        for number, entry in _by_id(sections["categories"]).items():
            name = str(entry["name"])
            if name in self.categories.values():
                raise BadLabels(
                    f"{path}: category {number!r} has a name that an earlier one has, "
                    f"{name!r}: give each its own"
                )
            self.categories[number] = name
        files = Counter(str(entry["file_name"]) for _, entry in sections["images"])
        twice = [name for name, count in files.items() if count > 1]
        if twice:
            text = f"{path} lists {len(twice):,} images twice, such as {twice[0]}"
            self.findings.append(Finding("warning", text))
        self.annotations = self._annotations(sections.get("annotations", []))
        if "id" in keys.get("annotations", ()):
            _by_id(self.annotations)

    def _annotations(
        self, entries: Sequence[tuple[str, dict[str, Any]]]
    ) -> list[tuple[str, dict[str, Any]]]:
        """Returns those of listed images; refuses those of nothing."""
        strays = Tally()
        found = []
        unknown = [e for e in entries if e[1]["category_id"] not in self.categories]
        if unknown:
            place, entry = unknown[0]
            raise BadLabels(
                f"{place} has the category_id {entry['category_id']!r}, which is none "
                f"of categories (as {len(unknown):,} of {len(entries):,} have): number "
                "them as categories does"
            )
        for place, entry in entries:
            box = entry["bbox"]
            if not isinstance(box, list) or len(box) != 4 or not all(map(_finite, box)):
                raise BadLabels(
                    f"{place} has the bbox {box}, not x, y, width, height in pixels"
                )
            if entry["image_id"] in self.images:
                found.append((place, entry))
            else:
                strays.add(f"{place} has the image_id {entry['image_id']!r}")
        if entries and not found:
            raise BadLabels(
                f"{strays.examples[0]}, which is none of images (and so have all "
                f"{len(entries):,}): number them as images does"
            )
        if strays.count:
            text = (
                f"{strays.of(len(entries), 'annotations')} are of no image that is "
                "listed: they are left out"
            )
            self.findings.append(Finding("warning", text))
        return found

    def size(self, entry: Mapping[str, Any]) -> tuple[int, int] | None:
        """Returns width and height of an image's entry; None: it has none."""
        size = entry.get("width"), entry.get("height")
        known = all(isinstance(side, int) and side > 0 for side in size)
        return size if known else None  # type: ignore[return-value]

    def counts(self) -> Counter[str]:
        """Returns how many objects each class has."""
        return Counter(self.categories[e["category_id"]] for _, e in self.annotations)

    def judge(self, with_masks: bool) -> list[Finding]:
        """Judges boxes, areas and, if something reads them, masks.

        Args:
            with_masks: Whether something does.
        """
        boxes, shapes, flat = BoxJudge(), ShapeJudge(), Tally()
        for place, entry in self.annotations:
            image = self.images[entry["image_id"]]
            size = self.size(image)
            place = f"annotation {entry.get('id', place)} of {image['file_name']}"
            ignored = bool(entry.get("iscrowd")) or bool(entry.get("ignore"))
            boxes.add(place, entry["bbox"], size, ignored)
            area = entry.get("area")
            if not _finite(area) or area <= 0 < min(entry["bbox"][2:]):
                flat.add(f"{place}: {area!r}")
            if with_masks and not entry.get("ignore"):
                shapes.add(place, entry.get("segmentation"), size)
        found = [*self.findings, *boxes.findings(str(self.path))]
        if flat.count:
            text = (
                f"{flat.of(len(self.annotations), f'objects of {self.path}')} have an "
                "area of 0 or none, and are left out as empty: write how many pixels "
                "they have (width x height of the box where nothing else is known)"
            )
            many = flat.count > MOST * len(self.annotations)
            found.append(Finding("error" if many else "warning", text))
        return [*found, *shapes.findings(str(self.path))]


def _entries(
    path: Path, content: Any, section: str, keys: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the entries of a section, with their places."""
    if not isinstance(content, dict) or not isinstance(content.get(section), list):
        raise BadLabels(f"{path} is not COCO's: it has no list {section!r}")
    for number, entry in enumerate(content[section], 1):
        place = f"{path}: entry {number} of {section!r}"
        if not isinstance(entry, dict):
            raise BadLabels(f"{place} is no object with keys")
        for key in keys:
            value = entry.get(key)
            if key not in entry or (key in _IDS and not _is_id(value)):
                raise BadLabels(f"{place} has no {key!r}")
        yield place, entry


def _by_id(
    entries: Sequence[tuple[str, dict[str, Any]]],
) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for place, entry in entries:
        if entry["id"] in found:
            raise BadLabels(
                f"{place} has an id that an earlier one has, {entry['id']!r}: give "
                "each its own"
            )
        found[entry["id"]] = entry
    return found


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)

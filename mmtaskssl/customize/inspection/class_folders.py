"""Targets whose folders are the classes."""

from collections.abc import Mapping
from pathlib import Path

from ...datasets.images import list_images
from ...datasets.left_out import check_classes
from ...utils.errors import UserError
from ...utils.families import TargetForm
from .inspected import Finding
from .labelled import ALL, PART_NAMES, Item, Labelled, Part, part_of


def read_class_folders(folder: Path) -> Labelled:
    """Reads ``train/CLASS/IMAGE`` beside ``test/CLASS/IMAGE``, or ``CLASS/IMAGE``.

    Args:
        folder: The target's.

    Raises:
        UserError: An image lies in no class folder, or there is none at all.
    """
    findings: list[Finding] = []
    folders = part_folders(folder)
    if not any(map(_holds_classes, folders.values())):
        parts = {ALL: _read(folder, findings)}
        return Labelled("classification", "folders CLASS/IMAGE", parts, findings)
    parts = {name: _read(path, findings) for name, path in folders.items()}
    form = "folders " + ", ".join(f"{p.name}/CLASS/IMAGE" for p in folders.values())
    return Labelled("classification", form, parts, findings)


def part_folders(folder: Path) -> Mapping[str, Path]:
    """Returns the folders in a folder that are named like the parts of a target.

    Raises:
        UserError: Two of them mean the same part.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = part_of(path.name)
        if name is None or not path.is_dir():
            continue
        if name in found:
            raise TargetForm(
                f"{folder} holds {found[name].name} and {path.name}, which both mean "
                f"the {name} part: move one of them away"
            )
        found[name] = path
    return {name: found[name] for name in PART_NAMES if name in found}


def _holds_classes(folder: Path) -> bool:
    """Whether a folder holds folders with images: else it is a class of that name."""
    try:
        _, image_ids = list_images(folder)
    except UserError:
        return False
    return any("/" in image for image in image_ids)


def _read(folder: Path, findings: list[Finding]) -> Part:
    root, image_ids = list_images(folder)
    items = []
    for image in image_ids:
        name, _, rest = image.partition("/")
        if not rest:
            raise TargetForm(
                f"{folder} holds {image} outside any class folder: sort the images as "
                "CLASS/IMAGE, or as train/CLASS/IMAGE and test/CLASS/IMAGE, or name a "
                "table of the columns image,label"
            )
        items.append(Item(image, (name,)))
    full = {item.labels[0] for item in items}
    check_classes(folder, full)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in full and path.name[0] != ".":
            text = f"the class folder {path} holds no image: the class is left out"
            findings.append(Finding("warning", text))
    return Part(root, items)

"""Targets whose labels stand in a table."""

from pathlib import Path
from typing import Any

from ...datasets.images import list_images
from ...datasets.label_table import labels_of_row, named_twice, read_rows
from ...utils.errors import meant
from ...utils.families import BadLabels
from .inspected import Finding
from .labelled import ALL, PART_NAMES, Item, Labelled, Part, part_of

#: Endings of tables.
SUFFIXES = (".csv", ".jsonl")
_SPLIT = "split"


def read_table(path: Path) -> Labelled:
    """Reads a table of images with ``label``, one class, or ``labels``, any number.

    A column ``split`` says to which part an image belongs.

    Args:
        path: See `read_label_table`, and `list_images` for the column of the images.

    Raises:
        UserError: It cannot be read, lacks a column or a value, or contradicts itself.
    """
    rows = read_rows(path)
    if not rows:
        raise BadLabels(f"{path} names no images")
    root, image_ids = list_images(path)
    if len(image_ids) != len(rows):
        raise BadLabels(f"{path} has a row without an image")
    several = all("labels" in row for row in rows)
    if not several and not all("label" in row for row in rows):
        raise BadLabels(
            f"{path} needs the columns image and label (one class an image), or image "
            f"and labels (any number); it has {', '.join(map(str, rows[0]))}"
        )
    divided = any(_SPLIT in row for row in rows)
    items: dict[str, Item] = {}
    parts: dict[str, list[Item]] = {}
    twice = 0
    for number, (image, row) in enumerate(zip(image_ids, rows, strict=True), 1):
        item = Item(image, tuple(labels_of_row(row, several, path, number)))
        part = _part(row, path, number) if divided else ALL
        known = items.setdefault(image, item)
        if known is item:
            parts.setdefault(part, []).append(item)
        elif known == item and item in parts.get(part, ()):
            twice += 1
        else:
            raise named_twice(path, image)
    findings = []
    if twice:
        text = f"{path} repeats {twice} rows: each image counts once"
        findings.append(Finding("note", text))
    columns = ["image", "labels" if several else "label", *[_SPLIT] * divided]
    return Labelled(
        "multilabel" if several else "classification",
        f"a table of {','.join(columns)}",
        {name: Part(root, found) for name, found in parts.items()},
        findings,
    )


def _part(row: dict[str, Any], path: Path, number: int) -> str:
    value = str(row.get(_SPLIT) or "").strip()
    part = part_of(value)
    if part is None:
        raise BadLabels(
            f"row {number} of {path} has the {_SPLIT} {value!r}, not train, val or "
            f"test{meant(value, PART_NAMES)}"
        )
    return part

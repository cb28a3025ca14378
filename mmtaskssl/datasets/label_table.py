"""Labels of images that a table names."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.families import BadLabels
from mmtaskssl.utils.inputs import open_text, parse_json


def read_label_table(
    path: str | Path, image_ids: list[str]
) -> tuple[Tensor, list[str]]:
    """Reads the labels of images from a table.

    Args:
        path: ``.csv`` or ``.jsonl`` with the columns ``image`` (an image id) and
            ``label`` (one class) or ``labels`` (any number: a JSON list, or names
            with ``;`` between them in a CSV; none is a valid number).
        image_ids: The images to label.

    Returns:
        (N,) class indices or (N, C) zero-one labels, -1 for images that the table
        lacks; and the C names, sorted.

    Raises:
        UserError: An unreadable table, one that has none of the images, a row without a
            label, or an image with two.
    """
    rows = read_rows(Path(path))
    multi = all("labels" in row for row in rows)
    if not rows or not all("image" in r and (multi or "label" in r) for r in rows):
        raise BadLabels(
            f"{path} needs the columns image and label, or image and labels"
        )
    table: dict[object, list[str]] = {}
    for number, row in enumerate(rows, 1):
        names = labels_of_row(row, multi, path, number)
        if table.setdefault(row["image"], names) != names:
            raise named_twice(path, row["image"])
    found = [table.get(image) for image in image_ids]
    if not any(names is not None for names in found):
        raise BadLabels(
            f"{path} has a label for none of the images: its column image must hold "
            f"ids like {image_ids[0]!r}, not like {rows[0]['image']!r}"
        )
    class_names = sorted({name for names in found if names for name in names})
    index = {name: i for i, name in enumerate(class_names)}
    if not multi:
        return (
            torch.tensor([-1 if names is None else index[names[0]] for names in found]),
            class_names,
        )
    y = torch.zeros(len(found), len(class_names))
    for row, names in enumerate(found):
        if names is None:
            y[row] = -1
        else:
            y[row, [index[name] for name in names]] = 1
    return y, class_names


def labels_of_row(
    row: Mapping[str, object], several: bool, path: str | Path, number: int
) -> list[str]:
    """Returns the classes that a row names, sorted, each once.

    Args:
        row: With ``labels`` or ``label``.
        several: Whether it has ``labels``; none is a valid number then.
        path: The table's, for messages.
        number: The row's, from 1.

    Raises:
        UserError: It has no label; a blank one would be a class of its own.
    """
    if several:
        return sorted({*label_names(row["labels"])})
    value = row["label"]
    blank = value is None or (isinstance(value, float) and math.isnan(value))
    label = "" if blank else str(value).strip()
    if not label:
        raise BadLabels(
            f"row {number} of {path} has no label: write one, or remove the row"
        )
    return [label]


def named_twice(path: str | Path, image: object) -> UserError:
    """Returns the error of a table that says two things of one image."""
    return BadLabels(
        f"{path} names {image} twice, with different labels or parts; for several "
        "labels of an image use the column labels"
    )


def label_names(value: object) -> list[str]:
    """Returns the classes in a cell of the column ``labels``, see above."""
    if isinstance(value, list):
        return [str(name).strip() for name in value if str(name).strip()]
    return [name.strip() for name in str(value or "").split(";") if name.strip()]


def read_rows(path: Path) -> list[dict[str, object]]:
    """Reads a table, a dict a row.

    Args:
        path: ``.csv`` or ``.jsonl``.

    Raises:
        UserError: It cannot be read.
    """
    try:
        with open_text(path, "utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".jsonl":
                rows = [parse_json(line) for line in file if line.strip()]
                if not all(isinstance(row, dict) for row in rows):
                    raise ValueError("a line is not a JSON object")
                return rows
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise BadLabels(f"label table {path} cannot be read ({error})") from error

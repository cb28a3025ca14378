"""The folder that an inspection leaves behind."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...runs import Record, Work, verify
from ...selection.output import read_csv, write_csv
from ...utils.atomic import write_json
from ...utils.families import BadLabels, FileDamaged, NotAResult, Unfinished
from ...utils.inputs import read_json, why
from .inspected import Finding, Inspected, Split

INSPECTION = "inspection.json"
POOL, KEPT_OUT = "pool.csv", "kept_out.csv"
#: What is known of each image; grows while they are read.
IMAGES = "images.jsonl"
PARTS = ("train", "test")
#: Stands between the classes of an image.
_BETWEEN = ";"
FILES = (
    *(INSPECTION, POOL, KEPT_OUT, IMAGES),
    *(f"{part}.{kind}" for part in PARTS for kind in ("csv", "json")),
)


def work_of(inputs: Mapping[str, Any]) -> Work:
    """Returns the record of the inspection of some inputs."""
    return Work("inspection", 1, inputs, FILES, "an inspection")


def check_names(names: Iterable[str]) -> None:
    """Refuses classes that a table of images could not name.

    Raises:
        UserError: One has a ``;``, or is empty.
    """
    for name in names:
        if _BETWEEN in name or not name.strip():
            raise BadLabels(
                f"a class of the target is called {name!r}: give it a name without "
                f"{_BETWEEN!r}"
            )


def write(folder: Path, found: Inspected, place: Path) -> None:
    """Writes everything but `IMAGES`.

    Args:
        folder: Where to.
        found: What was found.
        place: The folder's final name.
    """
    summary = found.summary()
    for name, part in (("train", found.train), ("test", found.test)):
        label = "label" if found.kind == "classification" else "labels"
        labels = [_BETWEEN.join(labels) for labels in part.labels]
        columns = [("image", *part.image_ids), (label, *labels)]
        if part.masks:
            columns.append(("mask", *part.masks))
        write_csv(folder / f"{name}.csv", zip(*columns, strict=True))
        if found.kind == "detection" and part.annotations:
            boxes = folder / f"{name}.json"
            if not (boxes.exists() and boxes.samefile(part.annotations)):
                shutil.copyfile(part.annotations, boxes)
            summary[name]["annotations"] = str((place / boxes.name).absolute())
    write_csv(folder / POOL, [("image",), *((image,) for image in found.pool_ids)])
    rows = found.kept_out.items()
    write_csv(folder / KEPT_OUT, [("image", "reason"), *rows])
    write_json(folder / INSPECTION, summary)


def read(folder: str | Path) -> Inspected:
    """Reads what `write` wrote.

    Args:
        folder: With its record.

    Raises:
        UserError: There is none, it is not finished, or was changed.
    """
    folder = Path(folder).expanduser()
    record = Record.read(folder)
    if record is None or record.kind != "inspection":
        raise NotAResult(f"{folder} holds no inspection")
    if not record.complete:
        raise Unfinished(
            f"the inspection in {folder} was not finished: run the same command again"
        )
    verify(folder)
    try:
        value = read_json(folder / INSPECTION)
        multi = value["kind"] != "classification"
        train, test = (_read_part(folder, n, value[n], multi) for n in PARTS)
        return Inspected(
            value["kind"],
            value["class_names"],
            train,
            test,
            value["pool_root"],
            [row["image"] for row in read_csv(folder / POOL)],
            {row["image"]: row["reason"] for row in read_csv(folder / KEPT_OUT)},
            value["short_side"],
            [Finding(**one) for one in value["findings"]],
            value["facts"],
            value["inputs"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileDamaged(
            f"the inspection in {folder} is damaged ({why(error)})"
        ) from error


def _read_part(folder: Path, name: str, value: Mapping[str, Any], multi: bool) -> Split:
    rows = read_csv(folder / f"{name}.csv")
    column = "labels" if multi else "label"
    labels = [
        (row[column],) if not multi else tuple(filter(None, row[column].split(";")))
        for row in rows
    ]
    return Split(
        value["root"],
        [row["image"] for row in rows],
        labels,
        value["annotations"],
        [row["mask"] for row in rows if "mask" in row],
    )

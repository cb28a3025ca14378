"""The class of each image, however it is given."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from ..datasets.images import folder_labels
from ..datasets.label_table import read_label_table
from ..utils import checks
from ..utils.errors import meant, option
from ..utils.families import BadLabels, ShapeMismatch

#: "folder", a table, or a name for each image.
LabelsLike: TypeAlias = Literal["folder"] | str | os.PathLike | Sequence[str | None]
_TABLES = (".csv", ".jsonl")


def labels_of(labels: LabelsLike, image_ids: Sequence[str]) -> list[str | None]:
    """Returns the class of each image.

    Args:
        labels: A name each, None where unknown; a table of the columns image and label
            (see `read_label_table`); or "folder": the first one of each id is the name.
        image_ids: The images.

    Raises:
        UserError: They do not fit the images, or the table cannot be read.
    """
    if isinstance(labels, str) and labels == "folder":
        return list(folder_labels(image_ids))
    if isinstance(labels, str | os.PathLike):
        return _of_table(Path(labels), image_ids)
    if isinstance(labels, bytes) or not isinstance(labels, Iterable):
        raise BadLabels(
            f"{option('labels')} must be names, a table or 'folder', not "
            + checks.shown(labels)
        )
    names = list(labels)
    if len(names) != len(image_ids):
        raise ShapeMismatch(f"{len(image_ids)} images but {len(names)} labels")
    for name in names:
        if name is not None and not isinstance(name, str):
            raise BadLabels(
                f"{option('labels')} must be names, or None where unknown, not "
                + checks.shown(name)
            )
    return names


def _of_table(path: Path, image_ids: Sequence[str]) -> list[str | None]:
    if path.suffix.lower() not in _TABLES and not path.is_file():
        raise BadLabels(
            f"{option('labels')} {str(path)!r} is neither 'folder' nor a table, .csv "
            f"or .jsonl{meant(str(path), ['folder'])}"
        )
    found, names = read_label_table(path, list(image_ids))
    if found.dim() == 2:
        raise BadLabels(f"{path} must have one label an image: columns image,label")
    return [names[index] if index >= 0 else None for index in found.tolist()]

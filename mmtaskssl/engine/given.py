"""Values that a training is given, as files that its config can name."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..selection.selected import Selected
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.inputs import read_bytes

PathLike = str | os.PathLike
#: The options that may be values.
SELECTION, CLUSTERS = "selection", "clusters"


def into_work_dir(
    options: Mapping[str, Any], work_dir: Path, resumes: bool, launcher: str
) -> dict[str, Any]:
    """Writes values into the work dir; returns the options with their places.

    Args:
        options: By the config's keys; other things than a `Selected`, `Clusters` or a
            path are returned as they are.
        work_dir: Of the training.
        resumes: The training goes on: it must have been begun with the same values.
        launcher: Several processes train if it is not ``none``.

    Raises:
        UserError: A resumed training had other values, or several processes have one
            each.
    """
    placed = {}
    for key, value in options.items():
        if isinstance(value, Selected | Clusters) and launcher != "none":
            raise UserError(
                f"processes that train together share a {key} by its name: save it, "
                "and give its file or folder"
            )
        if isinstance(value, Selected):
            value = _selection(value, work_dir / f"{SELECTION}.txt", resumes)
        elif isinstance(value, Clusters):
            value = _clusters(value, work_dir / CLUSTERS, resumes)
        placed[key] = os.fspath(value) if isinstance(value, os.PathLike) else value
    return placed


def _selection(value: Selected, file: Path, resumes: bool) -> Path:
    text = "".join(f"{image}\n" for image in value.image_ids)
    if resumes and file.is_file():
        found = read_bytes(file).decode("utf-8", "surrogateescape")
        _check_same(found == text, file, "selection")
    else:
        write_text(file, text)
    return file


def _clusters(value: Clusters, folder: Path, resumes: bool) -> Path:
    if resumes and folder.is_dir():
        found = Clusters.open(folder)
        same = found.image_ids == value.image_ids and bool(
            (found.leaf == value.leaf).all()
        )
        _check_same(same and found.tree == value.tree, folder, "clusters")
    else:
        value.save(folder, overwrite=True, report=False)
    return folder


def _check_same(same: bool, place: Path, what: str) -> None:
    if not same:
        raise UserError(
            f"the training to resume had another {what} ({place}): give the same, or "
            "another work dir"
        )

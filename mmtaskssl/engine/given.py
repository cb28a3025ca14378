"""Values that a training is given, as files that its config can name."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.inputs import read_bytes

PathLike = str | os.PathLike
#: The options that may be values.
SELECTION, CLUSTERS = "selection", "clusters"


def value_keys(options: Mapping[str, Any]) -> list[str]:
    """Returns the options that are values: they are written into the work dir."""
    return [
        key
        for key in (SELECTION, CLUSTERS)
        if not isinstance(options.get(key), str | os.PathLike | None)
    ]


def into_work_dir(
    options: Mapping[str, Any], work_dir: Path, resumes: bool, launcher: str
) -> dict[str, Any]:
    """Writes values into the work dir; returns the options with their places.

    Args:
        options: By the config's keys. A selection may be ids of images, and clusters
            may be `Clusters`; else they are paths, as anywhere.
        work_dir: Of the training.
        resumes: The training goes on: it must have been begun with the same values.
        launcher: Several processes train if it is not ``none``.

    Raises:
        UserError: A resumed training had other values, or several processes have one
            each.
    """
    placed = {
        key: os.fspath(value) if isinstance(value, os.PathLike) else value
        for key, value in options.items()
    }
    for key in value_keys(options):
        if launcher != "none":
            raise UserError(
                f"processes that train together share a {key} by its name: save it, "
                "and give its file or folder"
            )
        place = work_dir / (CLUSTERS if key == CLUSTERS else f"{SELECTION}.txt")
        write = _write_clusters if key == CLUSTERS else _write_selection
        write(options[key], place, resumes)
        placed[key] = str(place)
    return placed


def _write_selection(ids: Sequence[str], file: Path, resumes: bool) -> None:
    text = "".join(f"{image}\n" for image in ids)
    if resumes and file.is_file():
        found = read_bytes(file).decode("utf-8", "surrogateescape")
        _check_same(found == text, file, "selection")
    else:
        write_text(file, text)


def _write_clusters(clusters: Clusters, folder: Path, resumes: bool) -> None:
    if resumes and folder.is_dir():
        found = Clusters.open(folder)
        same = found.image_ids == clusters.image_ids and bool(
            (found.leaf == clusters.leaf).all()
        )
        _check_same(same and found.tree == clusters.tree, folder, "clusters")
    else:
        clusters.save(folder, overwrite=True, report=False)


def _check_same(same: bool, place: Path, what: str) -> None:
    if not same:
        raise UserError(
            f"the training to resume had another {what} ({place}): give the same, or "
            "another work dir"
        )

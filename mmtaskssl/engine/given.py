"""Values that a training is given, as files that its config can name."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..clustering.clusters import Clusters
from ..clustering.files import work_of
from ..utils.atomic import write_text
from ..utils.errors import UserError
from ..utils.families import OptionConflict, OutTaken
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


@contextlib.contextmanager
def into_work_dir(
    options: Mapping[str, Any], work_dir: Path, launcher: str
) -> Iterator[dict[str, Any]]:
    """Writes values into the work dir; yields the options with their places.

    A training that is refused before its first checkpoint leaves none of them.

    Args:
        options: By the config's keys. A selection may be ids of images, and clusters
            may be `Clusters`; else they are paths, as anywhere.
        work_dir: Of the training.
        launcher: Several processes train if it is not ``none``.

    Raises:
        UserError: Anything else than the same values stands there, or several
            processes have one each.
    """
    placed = {
        key: os.fspath(value) if isinstance(value, os.PathLike) else value
        for key, value in options.items()
    }
    missing = []
    for key in value_keys(options):
        if launcher != "none":
            raise OptionConflict(
                f"processes that train together share a {key} by its name: save it, "
                "and give its file or folder"
            )
        place = work_dir / (CLUSTERS if key == CLUSTERS else f"{SELECTION}.txt")
        if _is_free(place):
            missing.append((key, place))
        else:
            same = _same_clusters if key == CLUSTERS else _same_selection
            _check_same(same(options[key], place), place, key)
        placed[key] = str(place)
    above = [p for p in (work_dir, *work_dir.parents) if missing and not p.exists()]
    try:
        for key, place in missing:  # all of what stands there was looked at before
            _write(options[key], place)
        yield placed
    except UserError:
        if not any(work_dir.glob("*.pth")):
            for key, place in missing:
                _remove(options[key], place)
            for folder in above:
                with contextlib.suppress(OSError):  # it holds something, such as a log
                    folder.rmdir()
        raise


def _is_free(place: Path) -> bool:
    if place.is_dir() and not place.is_symlink():
        return not any(place.iterdir())
    return not os.path.lexists(place)


def _text(ids: Sequence[str]) -> str:
    return "".join(f"{image}\n" for image in ids)


def _same_selection(ids: Sequence[str], file: Path) -> bool:
    try:
        return read_bytes(file).decode("utf-8", "surrogateescape") == _text(ids)
    except OSError:
        return False


def _same_clusters(clusters: Clusters, folder: Path) -> bool:
    try:
        found = Clusters.open(folder)
    except UserError:
        return False
    same = found.image_ids == clusters.image_ids and found.tree == clusters.tree
    return same and bool((found.leaf == clusters.leaf).all())


def _write(value: Any, place: Path) -> None:
    if isinstance(value, Clusters):
        value.save(place, report=False)
    else:
        write_text(place, _text(value))


def _remove(value: Any, place: Path) -> None:
    """Removes what `_write` wrote, as far as it is as it was."""
    if isinstance(value, Clusters):
        if place.is_dir() and _same_clusters(value, place):
            work_of(value.work_inputs).clear(place)
            place.rmdir()
    elif _same_selection(value, place):
        place.unlink()


def _check_same(same: bool, place: Path, what: str) -> None:
    if not same:
        raise OutTaken(
            f"{place} is not the {what} that this training is given, and stays: give "
            "the same to go on, or name another work dir"
        )

"""What is in a folder of images, here or elsewhere."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from ..utils.families import SystemRefused
from ..utils.members import FOLDERS
from ..utils.remote import files
from ..utils.remote.addresses import is_remote
from ..utils.remote.service import check_service as check_service
from .left_out import is_missed


def is_folder(path: str | os.PathLike) -> bool:
    """Whether there is a folder, here or under an address."""
    return files.is_folder(path) if is_remote(path) else os.path.isdir(path)


def is_file(path: str | os.PathLike) -> bool:
    """Whether there is a file, here or under an address."""
    return files.is_file(path) if is_remote(path) else os.path.isfile(path)


def is_absolute(path: str) -> bool:
    """Whether a listed path needs no folder: an address needs none."""
    return os.path.isabs(path) or is_remote(path)


def at(base: Path, path: str) -> Path:
    """Returns a listed path from a folder."""
    return Path(path) if is_remote(path) else base / path


def folders_in(folder: Path) -> list[str]:
    """Returns the names of the folders in a folder, sorted, without hidden ones."""
    if is_remote(folder):
        inner = map(PurePosixPath, files.found_in(folder, ()))
        found = {path.parts[0] for path in inner if len(path.parts) > 1}
    else:
        found = {path.name for path in folder.iterdir() if path.is_dir()}
    return sorted(name for name in found if not name.startswith("."))


def walk(
    folder: Path, suffixes: Collection[str], missed: list[str], read_whole: bool = True
) -> Iterator[tuple[Path, list[str]]]:
    """Yields folders and their files of some endings.

    Others that may be images go to a list.

    Args:
        folder: Is searched with all folders in it; what is hidden is skipped.
        suffixes: Such endings, in lower case.
        missed: Receives the names of the others.
        read_whole: Whether files of these endings are images, no shards.

    Raises:
        UserError: A folder cannot be read.
    """
    endings = tuple(suffixes)
    if is_remote(folder):
        by_folder: dict[Path, list[str]] = {}
        for inner in files.found_in(folder, suffixes if read_whole else ()):
            path = PurePosixPath(inner)
            if any(part.startswith(".") for part in path.parts):
                continue
            if inner.lower().endswith(endings):
                by_folder.setdefault(folder / path.parent, []).append(path.name)
            elif is_missed(path.name):
                missed.append(path.name)
        yield from by_folder.items()
        return
    seen = set()  # linked folders are followed, but circles of links are not
    for current, folders, names in os.walk(folder, onerror=_unread, followlinks=True):
        real = os.path.realpath(current)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found = []
        if not read_whole:  # some shards are folders
            found = [name for name in folders if name.lower().endswith(FOLDERS)]
            folders[:] = [name for name in folders if name not in found]
        for name in names:
            if not name.startswith(".") and name.lower().endswith(endings):
                found.append(name)
            elif is_missed(name):
                missed.append(name)
        if found:
            yield Path(current), found


def _unread(error: OSError) -> None:
    raise SystemRefused(
        f"the folder {error.filename} cannot be read ({error.strerror}): images may be "
        "in it"
    ) from error

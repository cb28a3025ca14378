"""What of a folder is ours, file by file, and what is somebody else's."""

import fnmatch
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..utils.atomic import is_temporary
from .locks import is_lock, lock_of
from .record import RECORD, Record


@dataclass
class Contents:
    """The files of a folder, by their paths in it.

    Attributes:
        ours: Files that were listed, and whole folders (with a ``/``) that were.
        litter: What killed runs left: temporary files, and locks of ours.
        folders: That hold ours, the outer ones first.
        foreign: All else, links and empty folders, too.
    """

    ours: list[str] = field(default_factory=list)
    litter: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def remove(self, out: Path) -> None:
        """Removes what is ours; the record goes last, a kill leaves the folder ours."""
        for name in self.litter:
            remove(out / name)
        for name in sorted(self.ours, key=lambda name: name == RECORD):
            remove(out / name)
        for name in reversed(self.folders):
            (out / name).rmdir()


def look(
    out: Path,
    listed: Collection[str],
    nested: Collection[str] = (),
    deep: bool = False,
    kept: Collection[str] = (),
) -> Contents:
    """Sorts out the content of a folder, without following links.

    Args:
        out: The folder.
        listed: Paths in it that a record has; those with a ``/`` at their end are
            folders of which all is ours.
        nested: Paths in it of what has records of its own, or patterns of them.
        deep: Look into these, too; else they are left out.
        kept: Patterns of names in it of what is its user's, and is left out, too.
    """
    found = Contents()
    _look(out, "", {*listed, RECORD}, nested, deep, found, kept)
    return found


def _look(
    out: Path,
    inner: str,
    listed: Collection[str],
    nested: Collection[str],
    deep: bool,
    found: Contents,
    kept: Collection[str] = (),
) -> None:
    above, above_nested = _above(listed), _above(nested)
    todo = [("", entry) for entry in _entries(out)]
    while todo:
        parent, entry = todo.pop(0)
        name = parent + entry.name
        path, folder = inner + name, entry.is_dir(follow_symlinks=False)
        unfinished = is_temporary(entry.name) and not entry.is_symlink()
        locked = parent + lock_of(entry.name) if is_lock(name) else ""
        if unfinished or locked in listed or is_any(locked, nested):
            found.litter.append(path)
        elif not parent and is_any(name, kept):
            continue
        elif is_any(name, nested):
            if deep and folder and (record := Record.read(out / name)) is not None:
                found.folders.append(path)
                inside = {*record.files, *record.begun, RECORD}
                _look(out / name, f"{path}/", inside, (), True, found)
            elif deep:
                found.foreign.append(_first(out, name, inner))
        elif folder and f"{name}/" in listed:
            found.ours.append(f"{path}/")
        elif folder and (name in above or is_any(name, above_nested)):
            found.folders.append(path)
            todo += [(f"{name}/", below) for below in _entries(out / name)]
        elif not folder and name in listed:
            found.ours.append(path)
        else:
            found.foreign.append(_first(out, name, inner))


def _above(paths: Iterable[str]) -> set[str]:
    """Returns the folders that paths, or patterns of them, lie in."""
    parents = (parent for path in paths for parent in PurePosixPath(path).parents)
    return {str(parent) for parent in parents}


def is_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one of those that patterns describe."""
    return any(fnmatch.fnmatchcase(name, one) for one in patterns)


def is_inside(name: str, nested: Collection[str]) -> bool:
    """Whether a path is, or lies in, what has a record of its own."""
    parts = PurePosixPath(name).parts
    return any(is_any("/".join(parts[:n]), nested) for n in range(1, len(parts) + 1))


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _first(out: Path, name: str, inner: str) -> str:
    """Returns a file in what is foreign, or its own name."""
    if (out / name).is_dir() and not (out / name).is_symlink():
        return inner + next(files_in(out, name), name)
    return inner + name


def files_in(out: Path, name: str = "") -> Iterator[str]:
    """Yields the files of a folder, and of all below, by their paths in ``out``."""
    for parent, folders, names in os.walk(out / name, onerror=_raised):
        folders.sort()
        for file in sorted(names):
            yield Path(parent, file).relative_to(out).as_posix()


def _raised(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error  # what cannot be read is no empty folder, to be replaced


def remove(path: Path) -> None:
    """Removes a file, a link, or a whole folder; it is ours."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def expanded(folder: Path, names: Iterable[str], hollow: bool = False) -> set[str]:
    """Returns the names, with the files that stand in those that are folders.

    Args:
        folder: Holds them.
        names: Those with a ``/`` at their end are folders.
        hollow: Keep folders that are empty, also below others. What was stopped between
            making one and filling it leaves them, and nothing in them says whose they
            are.
    """
    found = {
        file
        for name in names
        for file in (files_in(folder, name) if name.endswith("/") else (name,))
    }
    for name in names if hollow else ():
        for parent, folders, files in os.walk(folder / name):
            if not folders and not files:
                found.add(f"{Path(parent).relative_to(folder).as_posix()}/")
    return found

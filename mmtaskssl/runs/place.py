"""Where a folder is written: what a link points to, and what stays where it is."""

import contextlib
import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..utils.atomic import MARK, atomic_folder, open_to_all, sync_folder, sync_tree
from ..utils.families import OutForeign
from .contents import files_in, remove
from .record import RECORD, Record


def resolved(out: str | os.PathLike) -> Path:
    """Returns the folder that a name means, to be written in place of a link.

    Raises:
        UserError: It is a link to nothing.
    """
    out = Path(out)
    if out.is_symlink() and not out.exists():
        raise OutForeign(
            f"{out} is a link to {os.readlink(out)}, which is not there: make that "
            "folder, or name another one"
        )
    named = out.name not in ("", "..")  # those of "." and "/" are empty
    return out if named and not out.is_symlink() else Path(os.path.realpath(out))


@contextlib.contextmanager
def filled(out: Path) -> Iterator[Path]:
    """Yields a temporary folder whose content becomes that of ``out`` on success.

    A folder takes the place of ``out`` in one step, but for one that has to stay: an
    empty one (its owner and rights were chosen), a mount point, and the current one.

    Args:
        out: `resolved`, locked, and all that it holds is ours.
    """
    if not _stays(out):
        with atomic_folder(out) as folder:
            yield folder
        return
    for litter in out.glob(f".new.{MARK}*"):
        remove(litter)
    folder = Path(tempfile.mkdtemp(prefix=f".new.{MARK}", dir=out))
    try:
        yield folder
        open_to_all(folder)
        sync_tree(folder)
        _move(folder, out)
    finally:
        remove(folder)


def _stays(out: Path) -> bool:
    if not out.is_dir():
        return False
    return os.path.ismount(out) or out.samefile(os.curdir) or not any(out.iterdir())


def _move(folder: Path, out: Path) -> None:
    """Moves files into a folder that stays; a kill leaves it unfinished, and ours."""
    names, old, record = [*files_in(folder)], Record.read(out), Record.read(folder)
    before = [*old.files, *old.begun] if old is not None else []
    if record is not None:
        begun = tuple(sorted({*names, *before, *record.begun} - {RECORD}))
        dataclasses.replace(record, complete=False, files={}, begun=begun).write(out)
    for name in names:
        if name != RECORD:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / name, out / name)
    for name in {*before} - {*names, RECORD}:
        remove(out / name)
    if record is not None:
        os.replace(folder / RECORD, out / RECORD)
    sync_folder(out)


def remove_litter(out: Path) -> None:
    """Removes what a killed run left beside ``out``; its lock is held."""
    # Not that of OUT.json, which may be being written.
    name, suffix = re.escape(out.name), re.escape(out.suffix)
    own = re.compile(rf"\.{name}\.(old\.)?{MARK}[a-z0-9_]{{8}}({suffix})?")
    for path in out.parent.glob(".*"):
        if own.fullmatch(path.name):
            remove(path)

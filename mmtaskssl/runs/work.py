"""The life of an output: empty, unfinished, complete, or somebody else's."""

import contextlib
import dataclasses
import enum
import fnmatch
import glob
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import atomic_folder
from ..utils.errors import UserError, option
from .locks import is_lock, locked
from .output_file import writing
from .record import RECORD, Record, check_version, describe_files, verify
from .result_file import as_read


class State(enum.Enum):
    """What stands at the place where a piece of work is to be written."""

    EMPTY = "empty"
    UNFINISHED = "unfinished"
    COMPLETE = "complete"
    REPLACE = "to be replaced"


@dataclasses.dataclass(frozen=True)
class Work:
    """A piece of work that leaves a folder.

    Attributes:
        kind: What it makes, such as "selection".
        version: Of the folder's format; it grows when readers must know.
        inputs: All that the result depends on (hashes, versions, options); JSON-ready.
        files: Names or patterns of all that it leaves, paths relative to the folder.
        what: In words, such as "a selection".
        legacy: Returns the inputs of a folder that an older version wrote without a
            record, or None if it is no such folder.
        nested: Folders in it that have records of their own.
        words: What messages say of an input that is another one; else its name.
    """

    kind: str
    version: int
    inputs: Mapping[str, Any]
    files: Sequence[str]
    what: str
    legacy: Callable[[Path], Mapping[str, Any] | None] | None = None
    nested: Sequence[str] = ()
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def state(self, out: str | os.PathLike, overwrite: bool = False) -> State:
        """Looks at the place without touching it.

        Args:
            out: The folder, which need not exist.
            overwrite: Replace what is there of this kind, whatever its inputs.

        Raises:
            UserError: The place holds anything that is not of this kind, a newer
                version's, or (without ``overwrite``) work of other inputs.
        """
        out = Path(out)
        with writing(out):
            if not out.exists():
                return State.EMPTY
            if not out.is_dir():
                raise UserError(f"{out} is a file: name a folder")
            present = self._names(out)
        if not present:
            return State.EMPTY
        record = Record.read(out)
        self._check_owner(out, record, present)
        if overwrite:
            return State.REPLACE
        inputs, complete = self._found(out, record)
        different = [
            self.words.get(key, key) for key in _differences(inputs, self.inputs)
        ]
        if different:
            raise UserError(
                f"{out} exists and was not made from the same inputs "
                f"({', '.join(different)}): name another folder, or replace it with "
                + option("overwrite")
            )
        return State.COMPLETE if complete else State.UNFINISHED

    @contextlib.contextmanager
    def written(self, out: str | os.PathLike) -> Iterator[Path]:
        """Yields a temporary folder that replaces ``out``, with its record, on success.

        Args:
            out: The folder; `state` has been asked about it.

        Raises:
            UserError: The disk is full or forbidden, or another process writes there.
        """
        out = Path(out)
        with writing(out), locked(out):
            remove_litter(out)
            with atomic_folder(out) as folder:
                yield folder
                self.describe(folder, complete=True).write(folder)

    @contextlib.contextmanager
    def growing(self, out: str | os.PathLike) -> Iterator["Growing"]:
        """Yields a folder that is filled part by part, and goes on after a kill.

        Args:
            out: The folder; `state` has been asked about it, and what is to be
                replaced was removed.

        Raises:
            UserError: The disk is full or forbidden, or another process writes there.
        """
        out = Path(out)
        with writing(out), locked(out):
            out.mkdir(parents=True, exist_ok=True)
            for litter in out.rglob(".*"):
                if _is_litter(litter.name):
                    _remove(litter)
            if Record.read(out) is None:
                self.describe(out, complete=False).write(out)
            yield Growing(self, out)

    def clear(self, out: str | os.PathLike) -> None:
        """Removes earlier work of this kind, to begin anew.

        Raises:
            UserError: See `state`.
        """
        if self.state(out, overwrite=True) is State.REPLACE:
            with writing(out), locked(out):
                shutil.rmtree(out)

    def _check_owner(
        self, out: Path, record: Record | None, present: Sequence[str]
    ) -> None:
        """Refuses a folder with anything in it that this kind of work did not make."""
        if record is not None:
            if record.kind != self.kind:
                raise UserError(
                    f"{out} holds a {record.kind}, not {self.what}: name another folder"
                )
            check_version(record.version, self.version, str(out))
        known = (*self.files, RECORD)
        for name in sorted(present):
            if _is_litter(Path(name).name):
                continue
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in known):
                raise UserError(
                    f"{out} holds {name!r}, which is no part of {self.what}, and is "
                    "not replaced: name another folder"
                )

    def _found(
        self, out: Path, record: Record | None
    ) -> tuple[Mapping[str, Any] | None, bool]:
        if record is None:
            return (self.legacy(out) if self.legacy else None), True
        complete = record.complete
        if complete:
            try:
                verify(out, deep=False)
            except UserError:  # a file was removed: made again from the same inputs
                complete = False
        return record.inputs, complete

    def _names(self, folder: Path) -> list[str]:
        """Returns the files of a folder, without locks and what has its own record."""
        paths = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        return [
            str(path)
            for path in paths
            if path.parts[0] not in self.nested and not is_lock(path.name)
        ]

    def describe(
        self,
        folder: str | os.PathLike,
        complete: bool,
        known: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Record:
        """Returns the record of a folder as it stands; for formats that share it.

        Args:
            folder: Holds the files.
            complete: Whether they are all there; then all are listed.
            known: Bytes and SHA-256 of files that need not be read again.
        """
        from mmtaskssl import __version__

        folder, files = Path(folder), dict(known or {})
        if complete:
            names = {*self._names(folder)} - {RECORD}
            files = {name: files[name] for name in names & {*files}}
            files |= describe_files(folder, names - {*files})
        return Record(
            self.kind,
            self.version,
            as_read(self.inputs),
            complete,
            dict(sorted(files.items())),
            __version__,
        )


@dataclasses.dataclass(frozen=True)
class Growing:
    """A folder that is being filled.

    Attributes:
        work: What fills it.
        path: The folder.
    """

    work: Work
    path: Path

    def finish(self) -> None:
        """States that all is there, with the checksums of all files."""
        self.work.describe(self.path, complete=True).write(self.path)


# Names that `mkstemp` and `mkdtemp` give to what `utils.atomic` has not finished.
_LITTER = re.compile(r"\..+\.[a-z0-9_]{8}(\.[A-Za-z0-9]+)?")


def _is_litter(name: str) -> bool:
    return _LITTER.fullmatch(name) is not None


def remove_litter(out: Path) -> None:
    """Removes what a killed run left beside ``out``; its lock is held."""
    # Not that of OUT.json, which may be being written.
    name, suffix = re.escape(out.name), re.escape(out.suffix)
    own = re.compile(rf"\.{name}\.(old\.)?[a-z0-9_]{{8}}({suffix})?")
    for path in out.parent.glob(f".{glob.escape(out.name)}.*"):
        if own.fullmatch(path.name):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _differences(found: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> list:
    if found is None:
        return ["it does not say from what"]
    wanted = as_read(wanted)
    keys = sorted({*found, *wanted})
    return [key for key in keys if found.get(key) != wanted.get(key)]

"""The life of an output: empty, unfinished, complete, or somebody else's."""

import contextlib
import dataclasses
import enum
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..utils.atomic import is_temporary
from ..utils.errors import UserError, option
from ..utils.families import FileDamaged, OutForeign, OutTaken
from ..utils.interrupts import going_on
from .contents import Contents, expanded, files_in, is_any, is_inside, look, remove
from .differences import differences
from .growing import Growing
from .locks import is_lock, locked
from .output_file import writing
from .place import filled, remove_litter, resolved
from .record import RECORD, Record, check_version, describe_files, differs
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
        files: Paths in the folder of all that it leaves; those of folders of which all
            is its own have a ``/`` at their end.
        what: In words, such as "a selection".
        legacy: Returns the inputs of a folder that an older version wrote without a
            record (by its content, not by names), or None if it is no such folder. No
            inputs: it does not say from what it was made.
        nested: Folders in it that have records of their own, or patterns of them.
        older: Returns the paths in such a folder; None: it has ``files``.
        words: What messages say of an input that is another one; else its name.
        remade: Patterns of paths that nobody edits: damaged, they are made again.
        edited: Patterns of paths that are their user's to edit, whatever they hold.
        kept: Patterns of names in the folder that are its user's: they are nobody's
            business, and stay where the rest is removed.
        instead: What messages tell to do where something else stands.
    """

    kind: str
    version: int
    inputs: Mapping[str, Any]
    files: Sequence[str]
    what: str
    legacy: Callable[[Path], Mapping[str, Any] | None] | None = None
    nested: Sequence[str] = ()
    older: Callable[[Path], Iterable[str]] | None = None
    words: Mapping[str, str] = dataclasses.field(default_factory=dict)
    remade: Sequence[str] = ()
    edited: Sequence[str] = ()
    kept: Sequence[str] = ()
    instead: str = "name another folder"

    def state(self, out: str | os.PathLike, overwrite: bool = False) -> State:
        """Looks at the place without touching it.

        Args:
            out: The folder, which need not exist.
            overwrite: Replace what is there of this kind, whatever its inputs.

        Raises:
            UserError: The place holds anything that is not of this kind, a newer
                version's, or (without ``overwrite``) work of other inputs, or a file
                that was changed after it was written.
        """
        with writing(out):
            real = resolved(out)
            if not real.exists():
                return State.EMPTY
            if not real.is_dir():
                raise OutForeign(f"{out} is a file, and no folder: {self.instead}")
            if all(is_temporary(name) for name in os.listdir(real)):
                return State.EMPTY
            record = Record.read(real)
            self._own(out, record, deep=overwrite)
        if overwrite:
            return State.REPLACE
        inputs, complete = self._found(real, record)
        different = differences(inputs, self.inputs, self.words)
        if different:
            raise OutTaken(
                f"{out} exists and was not made from the same inputs "
                f"({', '.join(different)}): {self.instead}, or replace it with "
                + option("overwrite")
            )
        if record is not None and complete:
            with writing(out):
                complete = self._is_whole(Path(out), record)
        return State.COMPLETE if complete else State.UNFINISHED

    @contextlib.contextmanager
    def written(self, out: str | os.PathLike) -> Iterator[Path]:
        """Yields a temporary folder that replaces ``out``, with its record, on success.

        Args:
            out: The folder; `state` has been asked about it.

        Raises:
            UserError: The disk is full or forbidden, another process writes there, or
                somebody put a file of theirs there meanwhile.
        """
        with self.replaced(out) as folder:
            yield folder
            self.describe(folder, complete=True).write(folder)

    @contextlib.contextmanager
    def replaced(self, out: str | os.PathLike) -> Iterator[Path]:
        """Yields a temporary folder like `written`, but the caller sees to its record.

        Args:
            out: See `written`.

        Raises:
            UserError: See `written`.
        """
        with writing(out):
            real = resolved(out)
            with locked(real):
                remove_litter(real)
                with filled(real) as folder:
                    yield folder
                    if real.is_dir():  # hours may have passed since it was asked
                        self._own(out, Record.read(real), deep=True)

    @contextlib.contextmanager
    def growing(
        self, out: str | os.PathLike, keep_results: bool = False
    ) -> Iterator[Growing]:
        """Yields a folder that is filled part by part, and goes on after a kill.

        Args:
            out: The folder; `state` has been asked about it, and what is to be
                replaced was removed.
            keep_results: What was found before stands until `Growing.finish` or
                `Growing.forget`.

        Raises:
            UserError: The disk is full or forbidden, or another process writes there.
        """
        with going_on(), writing(out):
            real = resolved(out)
            with locked(real):
                real.mkdir(parents=True, exist_ok=True)
                record = Record.read(real)
                for name in self._own(out, record).litter:
                    remove(real / name)
                listed = self._listed(real, record)
                # Before anything is: what is listed is ours after a kill, too.
                begun = self.describe(real, complete=False, names=listed)
                if keep_results and record is not None:
                    begun = dataclasses.replace(begun, results=record.results)
                begun.write(real)
                try:
                    yield Growing(self, Path(out))
                finally:
                    with contextlib.suppress(OSError, UserError):
                        self._close(real)

    def clear(self, out: str | os.PathLike) -> None:
        """Removes earlier work of this kind, to begin anew; an empty folder stays.

        Raises:
            UserError: See `state`.
        """
        if self.state(out, overwrite=True) is State.REPLACE:
            with writing(out):
                real = resolved(out)
                with locked(real):
                    self._own(out, Record.read(real), deep=True).remove(real)

    def _own(
        self, out: str | os.PathLike, record: Record | None, deep: bool = False
    ) -> Contents:
        """Refuses a folder with anything in it that this kind of work did not make."""
        real = resolved(out)
        if record is not None:
            if record.kind != self.kind:
                raise OutForeign(
                    f"{out} holds a {record.kind}, not {self.what}: {self.instead}"
                )
            check_version(record.version, self.version, str(out))
        found = look(real, self._listed(real, record), self.nested, deep, self.kept)
        if record is None and not self._is_of_0_1(real):
            found.foreign += found.ours  # names alone say nothing
        if found.foreign:
            raise self.foreign(out, min(found.foreign))
        return found

    def foreign(self, out: str | os.PathLike, name: str) -> UserError:
        """Returns what refuses a folder with a file of somebody else's."""
        return OutForeign(
            f"{out} holds {name!r}, which is no part of {self.what}, and is not "
            f"replaced: {self.instead}"
        )

    def _listed(self, real: Path, record: Record | None) -> set[str]:
        """Returns the paths in a folder that this kind of work wrote."""
        if record is not None:
            return {*record.files, *record.begun}
        if not self._is_of_0_1(real):
            return set()
        return {*(self.files if self.older is None else self.older(real))}

    def _is_of_0_1(self, real: Path) -> bool:
        return self.legacy is not None and self.legacy(real) is not None

    def _close(self, real: Path) -> None:
        """Lists, of folders whose content was not known before, what they hold now."""
        record = Record.read(real)
        if record is not None and not record.complete:
            names = expanded(real, record.begun, hollow=True)
            dataclasses.replace(record, begun=sorted(names)).write(real)

    def _found(
        self, out: Path, record: Record | None
    ) -> tuple[Mapping[str, Any] | None, bool]:
        if record is None:
            return (self.legacy(out) if self.legacy else None), True
        return record.inputs, record.complete

    def _is_whole(self, out: Path, record: Record) -> bool:
        """Whether all files of a finished folder are there.

        One that is gone is made again; one that was changed is its user's now.
        """
        whole = True
        for name, stated in record.files.items():
            if not os.path.lexists(out / name):
                whole = False
            elif not is_any(name, self.edited) and differs(out / name, stated):
                if not is_any(name, self.remade):
                    raise FileDamaged(
                        f"{out / name} was changed after it was written, and is not "
                        "made again: move it away, or replace the folder with "
                        + option("overwrite")
                    )
                whole = False
        return whole

    def describe(
        self,
        folder: str | os.PathLike,
        complete: bool,
        known: Mapping[str, Mapping[str, Any]] | None = None,
        names: Iterable[str] | None = None,
    ) -> Record:
        """Returns the record of a folder as it stands; for formats that share it.

        Args:
            folder: Holds the files.
            complete: Whether they are all there; then all are listed.
            known: Bytes and SHA-256 of files that need not be read again.
            names: Which files are of this work; None: all of a complete folder, which
                nobody else has seen; what the work plans of another.
        """
        from mmtaskssl import __version__

        folder, files = Path(folder), dict(known or {})
        begun: set[str] = set()
        if complete:
            present = {
                name
                for name in files_in(folder)
                if not is_inside(name, self.nested) and not is_lock(name)
            }
            if names is not None:
                present &= expanded(folder, names)
            present -= {RECORD}
            files = {name: files[name] for name in present & {*files}}
            files |= describe_files(folder, present - {*files})
        else:
            begun = {*self.files, *(names or ())} - {RECORD}
        return Record(
            self.kind,
            self.version,
            as_read(self.inputs),
            complete,
            dict(sorted(files.items())),
            __version__,
            sorted(begun),
        )

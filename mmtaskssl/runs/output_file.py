"""One file that is written for the user."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..utils.atomic import atomic_path
from ..utils.errors import option
from ..utils.families import BadValue, OutForeign, OutTaken, SystemRefused
from ..utils.remote.addresses import is_remote, shown
from .locks import locked, reason_of


@dataclass(frozen=True)
class OutputFile:
    """A file that is written whole or not at all, and never over what is not ours.

    Attributes:
        path: The file.
        what: In words, such as "a table of costs"; "": its content does not say whose
            it is (a picture, say), and any file that stands there is kept.
        objection: Says why the content of a file is no such thing; "" if it is one.
    """

    path: Path
    what: str = ""
    objection: Callable[[Path], str] | None = None

    def check(self, overwrite: bool = False) -> None:
        """Looks at the place, to refuse it before any work is done.

        Args:
            overwrite: Replace a file that may be anybody's.

        Raises:
            UserError: Something stands there that is not to be replaced.
        """
        path = self.path
        check_is_here(path)
        if not path.exists():
            return
        if path.is_dir():
            raise OutForeign(f"{path} is a folder: name a file")
        if self.objection is None and not overwrite:
            raise OutTaken(
                f"{path} exists, and is not replaced: name another file, or allow it "
                f"with {option('overwrite')}"
            )
        if self.objection is not None and (reason := self.objection(path)):
            raise OutForeign(
                f"{path} is not {self.what} ({reason}), and is not replaced: name "
                "another file"
            )

    @contextlib.contextmanager
    def written(self, overwrite: bool = False) -> Iterator[Path]:
        """Yields a temporary file that takes the place of the file on success.

        Args:
            overwrite: See `check`.

        Raises:
            UserError: See `check`; or the disk is full or forbidden, or another process
                writes there.
        """
        with writing(self.path), locked(self.path):
            self.check(overwrite)
            with atomic_path(self.path) as temporary:
                yield temporary


def check_is_here(out: str | os.PathLike) -> None:
    """Refuses an address, which would become a folder of that name.

    Args:
        out: What is to be written.

    Raises:
        UserError: It is one.
    """
    if is_remote(out):
        raise BadValue(
            f"{shown(out)} is an address, where nothing but features that are "
            "extracted of images can be written: name a folder or file of this machine"
        )


@contextlib.contextmanager
def writing(out: str | os.PathLike) -> Iterator[None]:
    """Turns any error of the disk into one sentence.

    Args:
        out: What is written.

    Raises:
        UserError: There was one, or it is an address.
    """
    check_is_here(out)
    try:
        yield
    except OSError as error:
        raise SystemRefused(
            f"cannot write {out} ({reason_of(error)}): nothing was lost there"
        ) from error

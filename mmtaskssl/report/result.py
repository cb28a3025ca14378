"""What every verb returns: a value that can be looked at, kept, and passed on."""

import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..runs import OutputFile
from ..utils import checks
from ..utils.atomic import write_text
from ..utils.families import OutTaken
from .inline import as_text
from .page import html_page, objection


def _at_a_place(save: Callable[..., Path]) -> Callable[..., Path]:
    """Checks the folder that a result is saved to; "~" is the home folder."""

    @functools.wraps(save)
    def checked(
        self: Any, folder: str | os.PathLike, *args: Any, **kwargs: Any
    ) -> Path:
        checks.path_like("folder", folder)
        return save(self, Path(folder).expanduser(), *args, **kwargs)

    return checked


class Result(ABC):
    """The result of a verb; a frozen dataclass is made of it.

    It lives in memory: nothing is written before it is asked for.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "save" in cls.__dict__:  # each writes in its own way, to a place that is one
            cls.save = _at_a_place(cls.__dict__["save"])  # type: ignore[method-assign]

    @abstractmethod
    def table(self) -> str:
        """Returns the result as text for a terminal."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Returns all that is known of the result, JSON-ready."""

    @abstractmethod
    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Writes the result to a folder, whole or not at all.

        Args:
            folder: Is made; one that holds anything else is refused.
            overwrite: Replace an earlier result of this kind.

        Returns:
            The folder.

        Raises:
            UserError: The folder holds something else, or cannot be written.
        """

    def page(self) -> str:
        """Returns one HTML page, complete in itself."""
        title = type(self).__name__
        return html_page(title, [f"<h1>{title}</h1>", self._repr_html_()])

    def report(self, path: str | Path) -> Path:
        """Writes `page`, whole or not at all.

        Args:
            path: The file; an earlier page gives way.

        Returns:
            The file.

        Raises:
            UserError: Anything else stands there, or it cannot be written.
        """
        checks.path_like("path", path)
        path = Path(path).expanduser()
        file = OutputFile(path, "a page of mmtaskssl", objection)
        with file.written() as temporary:
            write_text(temporary, self.page())
        return path

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        """Shows the table in a notebook."""
        return as_text(self.table())


def where_it_is(out: Path, folder: str | Path) -> Path:
    """Returns the folder of what was written on the way; refuses any other."""
    if Path(folder).resolve() != out.resolve():
        raise OutTaken(f"it is in {out} already: copy that folder")
    return out

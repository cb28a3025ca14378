"""Output folders of tools: nothing of the user's is lost, nothing half is left."""

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from .errors import UserError


def check_replaceable(
    out: str | os.PathLike, files: Collection[str], what: str
) -> None:
    """Checks that replacing ``out`` loses nothing but an earlier output of the tool.

    Args:
        out: The output folder, which need not exist.
        files: Names of all that the tool writes there.
        what: The output in words, such as "a selection".

    Raises:
        UserError: It is a file, or a folder with anything else in it.
    """
    out = Path(out)
    if not out.exists():
        return
    if not out.is_dir():
        raise UserError(f"{out} is a file: name a folder with --out")
    other = sorted({path.name for path in out.iterdir()} - set(files))
    if other:
        raise UserError(
            f"{out} holds {other[0]!r}, which is no part of {what}, and is not "
            "replaced: name another folder with --out"
        )


@contextlib.contextmanager
def writing(out: str | os.PathLike) -> Iterator[None]:
    """Turns a full or forbidden disk into a `UserError`.

    Args:
        out: What is written, by `atomic_folder`.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"cannot write {out} ({error.strerror or error}): nothing was left there"
        ) from error

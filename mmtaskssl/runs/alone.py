"""What only one process of all machines may do to an output at a time."""

import contextlib
import os
from collections.abc import Iterator

from .claims import claimed
from .locks import locked
from .output_file import writing
from .place import resolved


@contextlib.contextmanager
def alone(path: str | os.PathLike) -> Iterator[None]:
    """Holds an output that processes of several machines fill, having waited for it.

    Args:
        path: A folder, or a link to it; need not exist.

    Raises:
        UserError: It cannot be written.
    """
    with writing(path):
        real = resolved(path)
        # The lock, too, for it holds off processes of versions without claims.
        with claimed(real), locked(real, wait=True):
            yield

"""Images of a Parquet file that are drawn at random, without their neighbours.

A row is read with its whole row group. Where groups are read again and again, as a
training in random order does, the images are written once to the cache, one behind the
other, see `kept`.
"""

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from . import kept

if TYPE_CHECKING:
    import numpy as np

# Times that a group which was read before is read again, before they are written.
_AGAIN = 3
_NONE = -1  # the size of a row that holds no image


class TableRows:
    """The rows of a table in the cache.

    Args:
        identity: Of the table's content.
        rows: How many.
        size: Bytes of the images, or more.
        all_rows: Reads them in order.
    """

    def __init__(self, identity: str, rows: int, size: int, all_rows) -> None:
        self._identity = f"rows\0{identity}"
        self._rows, self._size, self._all_rows = rows, size, all_rows
        self._seen: set[int] = set()
        self._again, self._full = 0, False

    def note(self, group: int) -> None:
        """Says that a group was read from the table."""
        self._again += group in self._seen
        self._seen.add(group)

    def read(self, row: int) -> tuple[bool, bytes | None]:
        """Returns whether a row is in the cache, and its bytes; None: it has none."""
        path = kept.find(self._identity)
        if path is None and self._again >= _AGAIN and not self._full:
            size = self._size + 16 * self._rows
            path = kept.keep(self._identity, size, self._write, replace=False)
            self._full = path is None
        if path is None:
            return False, None
        try:
            with open(path, "rb") as file:
                first, size = _places(path, self._rows)[row].tolist()
                if size == _NONE:
                    return True, None
                return True, os.pread(file.fileno(), size, first)
        except FileNotFoundError:  # another needed the room
            return False, None

    def _write(self, out: BinaryIO) -> None:
        import numpy as np

        places = np.full((self._rows, 2), _NONE, np.int64)
        rows: Iterator[bytes | None] = self._all_rows()
        for row, content in enumerate(rows):
            if content is not None:
                places[row] = out.tell(), len(content)
                out.write(content)
        out.write(places.tobytes())


@functools.lru_cache(maxsize=1024)
def _places(path: Path, rows: int) -> "np.ndarray":
    import numpy as np

    return np.fromfile(path, np.int64, offset=path.stat().st_size - 16 * rows).reshape(
        -1, 2
    )

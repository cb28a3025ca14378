"""Images in Lance data sets, by pylance, where it is installed."""

import functools
import os
import warnings
from pathlib import Path
from typing import Any

from .families import BadImageSource, PackageMissing
from .parquet import image_column
from .remote.addresses import is_remote
from .shard import BadShard

#: The folder of a data set that has a file for each of its versions.
VERSIONS = "_versions"


def rows_of(shard: str | os.PathLike) -> int:
    """Returns how many rows a data set has.

    Raises:
        BadShard: It is none.
        UserError: It has no images, or pylance is not installed.
    """
    return int(_opened(shard)[0].count_rows())


def value_of(shard: str | os.PathLike, row: str) -> bytes:
    """Returns the image of a row.

    Raises:
        FileNotFoundError: There is no such row.
        BadShard: It holds no bytes; see `rows_of`.
        UserError: See `rows_of`.
    """
    table, column, is_blob = _opened(shard)
    if not row.isdecimal() or int(row) >= table.count_rows():
        raise FileNotFoundError(2, "the data set holds no such row", row)
    if is_blob:
        (blob,) = table.take_blobs(column, indices=[int(row)])
        found = None if blob is None else blob.readall()
    else:
        taken = table.take([int(row)], columns=[column])
        found = taken.column(column)[0].as_py()
    content = found.get("bytes") if isinstance(found, dict) else found
    if content is None:
        raise BadShard("its row holds no bytes")
    return bytes(content)


def tag_of(shard: str | os.PathLike) -> str:
    """Returns what changes with each version of a data set.

    Raises:
        OSError: It is none.
    """
    found = os.stat(Path(shard, VERSIONS))
    return f"{found.st_mtime_ns}.{found.st_ino}"


def _opened(shard: str | os.PathLike) -> tuple[Any, str, bool]:
    if is_remote(shard):
        raise BadShard("Lance is read from a disk: copy it there")
    try:
        tag = tag_of(shard)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadShard(f"it is no Lance data set (it has no {VERSIONS})") from error
    # Another process than the one that opened it must not use it: it has threads.
    return _data_set(os.path.abspath(shard), tag, os.getpid())


@functools.lru_cache(maxsize=16)
def _data_set(path: str, tag: str, process: int) -> tuple[Any, str, bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lance
    except ImportError as error:
        raise PackageMissing(
            f"{path} needs pylance: pip install 'mmtaskssl[lance]'"
        ) from error
    # It warns at every fork of what is heeded above.
    warnings.filterwarnings("ignore", "lance is not fork-safe")
    try:
        table = lance.dataset(path)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise BadShard(f"it is no Lance data set ({reason})") from error
    blobs = [field.name for field in table.schema if _is_blob(field)]
    column = image_column(table.schema, blobs)
    if column is None:
        raise BadImageSource(
            f"{path} has no column of images' bytes, only "
            f"{', '.join(table.schema.names)}"
        )
    return table, column, column in blobs


def _is_blob(field: Any) -> bool:
    """Whether a column's values lie apart, to be read one by one."""
    told = (field.metadata or {}).get(b"lance-encoding:blob") == b"true"
    return told or getattr(field.type, "extension_name", "").startswith("lance.blob")

"""Columns of Parquet files, by pyarrow, which is asked for where one is given."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .families import BadImageSource, FileFormat, PackageMissing
from .remote.addresses import is_remote
from .remote.files import opened
from .table_rows import TableRows

if TYPE_CHECKING:
    import numpy as np

#: Columns of images and of features that are preferred where a table has several.
IMAGES = ("image", "img", "jpg", "png", "bytes")
FEATURES = ("embedding", "embeddings", "features", "feature", "vector", "emb")


def open_parquet(file: Path, copy: Path | None = None) -> Any:
    """Opens a Parquet file.

    Args:
        file: It, or its address.
        copy: What is read instead, of one that lies elsewhere.

    Raises:
        UserError: It is none, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise PackageMissing(f"{file} needs pyarrow: pip install pyarrow") from error
    try:
        far = copy is None and is_remote(file)
        return ParquetFile(opened(file) if far else copy or file)
    except (OSError, pa.ArrowException) as error:
        raise FileFormat(f"{file} is no Parquet file ({error})") from error


def text_column(table: Any, file: Path, names: Sequence[str]) -> list[str]:
    """Returns the texts of the first of some columns that a table has.

    Raises:
        UserError: It has none of them, or one without a value.
    """
    name = next((n for n in names if n in table.schema_arrow.names), None)
    if name is None:
        raise BadImageSource(
            f"{file} has none of the columns {', '.join(names)}, only "
            f"{', '.join(table.schema_arrow.names)}"
        )
    found = table.read(columns=[name]).column(0).to_pylist()
    if (row := next((i for i, v in enumerate(found) if v is None), None)) is not None:
        raise BadImageSource(f"row {row} of {file} has no {name}")
    return [str(value) for value in found]


def feature_column(table: Any, file: Path) -> str:
    """Returns the name of the column that holds features.

    Raises:
        UserError: There is none, or it is not clear which.
    """
    import pyarrow.types as kinds

    found = [
        field.name
        for field in table.schema_arrow
        if (
            kinds.is_list(field.type)
            or kinds.is_large_list(field.type)
            or kinds.is_fixed_size_list(field.type)
        )
        and kinds.is_floating(field.type.value_type)
    ]
    named = [name for name in FEATURES if name in found]
    if len(found) == 1 or named:
        return (named or found)[0]
    what = f"several: {', '.join(found)}" if found else "none"
    raise BadImageSource(
        f"{file} must have one column of lists of floats; it has {what}"
    )


def image_column(schema: Any, others: Sequence[str] = ()) -> str | None:
    """Returns the column of images' bytes; None: it has none.

    That is binary, or a struct of ``bytes`` and ``path`` as Hugging Face's data sets
    have it; of several the first of `IMAGES`, else the first.

    Args:
        schema: Arrow's.
        others: Names of columns that hold bytes in another way.
    """
    import pyarrow.types as kinds

    def is_binary(kind: Any) -> bool:
        return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))

    found = [
        field.name
        for field in schema
        if field.name in others
        or is_binary(field.type)
        or (
            kinds.is_struct(field.type)
            and field.type.get_field_index("bytes") >= 0
            and is_binary(field.type.field("bytes").type)
        )
    ]
    return next((name for name in (*IMAGES, *found) if name in found), None)


class ImageTable:
    """The images of a Parquet file, a row group in memory at a time.

    Those that are drawn at random go to the cache, see `TableRows`.

    Args:
        file: Of them.
        copy: See `open_parquet`.
        identity: Tells its content from any other; "": nothing goes to the cache.

    Attributes:
        rows: In all.

    Raises:
        UserError: It holds none, or pyarrow is not installed.
    """

    def __init__(
        self, file: Path, copy: Path | None = None, identity: str = ""
    ) -> None:
        self.table = open_parquet(file, copy)
        if (column := image_column(self.table.schema_arrow)) is None:
            raise BadImageSource(
                f"{file} has no column of images' bytes, only "
                f"{', '.join(self.table.schema_arrow.names)}"
            )
        self.column = column
        groups = self.table.metadata.num_row_groups
        counts = (self.table.metadata.row_group(i).num_rows for i in range(groups))
        self._ends = list(accumulate(counts))
        self.rows = self._ends[-1] if self._ends else 0
        self._kept: TableRows | None = None
        if identity:
            sizes = (self._size(group) for group in range(groups))
            self._kept = TableRows(identity, self.rows, sum(sizes), self._all_rows)

    def _size(self, group: int) -> int:
        """Returns bytes of the images in a row group, and a few more."""
        about = self.table.metadata.row_group(group)
        columns = (about.column(number) for number in range(about.num_columns))
        return sum(
            one.total_uncompressed_size
            for one in columns
            if one.path_in_schema.split(".")[0] == self.column
        )

    def _all_rows(self) -> Iterator[bytes | None]:
        for group in range(len(self._ends)):
            for value in _group_of(self, group):
                yield _content(value)

    def read(self, row: int) -> bytes | None:
        """Returns the bytes of a row; None: it has none."""
        group = bisect_right(self._ends, row)
        first = self._ends[group - 1] if group else 0
        with _READING:
            if self._kept is not None:
                is_kept, content = self._kept.read(row)
                if is_kept:
                    return content
            before = _group_of.cache_info().misses
            found = _group_of(self, group)[row - first]
            if self._kept is not None and _group_of.cache_info().misses > before:
                self._kept.note(group)
        return _content(found)


def _content(value: Any) -> bytes | None:
    found = value.as_py()
    content: bytes | None = found.get("bytes") if isinstance(found, dict) else found
    return content


# A table's reader is one for all threads.
_READING = Lock()


@lru_cache(maxsize=4)  # of all tables: a group may be large
def _group_of(images: ImageTable, group: int) -> Any:
    return images.table.read_row_group(group, columns=[images.column]).column(0)


class FeatureGroup:
    """A column of lists of floats in one row group, read as it is asked for.

    Args:
        table: See `open_parquet`.
        file: Its file.
        column: Name.
        group: Number of the row group.
        first: That of the first one.

    Attributes:
        shape: Rows, and length of the first group's lists, which all have.
        dtype: Of the values.

    Raises:
        UserError: Lists differ in length, or one is missing.
    """

    def __init__(
        self, table: Any, file: Path, column: str, group: int, first: int = 0
    ) -> None:
        self.table, self.file, self.column, self.group = table, file, column, group
        known = _features_of(table, file, column, first)
        self.shape = (table.metadata.row_group(group).num_rows, known.shape[1])
        self.dtype = known.dtype

    def __getitem__(self, rows: slice) -> "np.ndarray":
        found = _features_of(self.table, self.file, self.column, self.group)
        if found.shape[1] != self.shape[1]:
            raise _uneven(self.file, self.column)
        return found[rows]


def feature_groups(file: Path) -> list[FeatureGroup]:
    """Returns the features of a Parquet file, a row group each.

    Raises:
        UserError: It has no features, or no rows; see `FeatureGroup`.
    """
    table = open_parquet(file)
    column = feature_column(table, file)
    about = table.metadata
    groups = [n for n in range(about.num_row_groups) if about.row_group(n).num_rows]
    if not groups:
        raise BadImageSource(f"{file} has no rows")
    return [FeatureGroup(table, file, column, n, groups[0]) for n in groups]


@lru_cache(maxsize=2)  # of all tables: the first group, and one that is gone through
def _features_of(table: Any, file: Path, column: str, group: int) -> "np.ndarray":
    import numpy as np
    import pyarrow.compute as pc

    parts = []
    for lists in table.read_row_group(group, columns=[column]).column(0).chunks:
        values = lists.flatten().to_numpy(zero_copy_only=False)
        if lists.null_count or len(values) % max(1, len(lists)):
            raise _uneven(file, column)
        if len(pc.unique(pc.list_value_length(lists))) > 1:
            raise _uneven(file, column)
        parts.append(values.reshape(len(lists), -1))
    return np.concatenate(parts)


def _uneven(file: Path, column: str) -> UserError:
    return BadImageSource(f"rows of {column} in {file} differ in length")

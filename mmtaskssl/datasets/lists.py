"""Lists of images: texts and tables that name them."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mmtaskssl.utils.families import BadImageSource
from mmtaskssl.utils.inputs import open_text, parse_json
from mmtaskssl.utils.members import TABLE
from mmtaskssl.utils.parquet import open_parquet, text_column

from .shards import PATH_COLUMNS

# What other tables have between their columns.
_BEHIND = re.compile(r"(.+\.\w+)([\s,;].*)")
_OTHER_MARKS = {";": "semicolons (;)", "\t": "tabs"}


def written_otherwise(
    paths: Sequence[str], is_there: Callable[[str], bool]
) -> str | None:
    """Says how paths of a list, none of which is found, are written.

    Args:
        paths: Some of them.
        is_there: Whether a path is one of an image.

    Returns:
        What to write instead; None: they are not found however they are read.
    """
    for path in paths:
        if "\\" in path and is_there(path.replace("\\", "/")):
            return f"write / instead of the backslashes of {path}"
        if (found := _BEHIND.fullmatch(path)) and is_there(found[1]):
            return (
                f"{found[2]!r} stands behind the path {found[1]}, maybe a label: write "
                "paths alone, or a .csv with the columns path and label"
            )
    return None


def read_list(source: Path, column: str | None) -> Iterator[str]:
    """Yields the paths that a list names.

    Args:
        source: Of one of `LISTS`.
        column: Of a table; None: the only one, or the first of `PATH_COLUMNS`.

    Raises:
        UserError: It is damaged, or has no such column.
        UnicodeDecodeError: It is no UTF-8 text.
    """
    return LISTS[source.suffix.lower()](source, column)


def _lines(source: Path, column: str | None) -> Iterator[str]:
    with open_text(source, "utf-8-sig") as file:
        for line in file:
            if line.strip():
                yield line.strip()


def _path_column(names: list[str], column: str | None, source: Path) -> str:
    if column is not None:
        if column in names:
            return column
        raise BadImageSource(f"table {source} has no column {column!r}, only {names}")
    if len(names) == 1:
        for mark, called in _OTHER_MARKS.items():
            if mark in names[0]:
                raise BadImageSource(
                    f"table {source} has {called} between its columns: write commas"
                )
        return names[0]
    for name in PATH_COLUMNS:
        if name in names:
            return name
    raise BadImageSource(f"name the path column of table {source}: one of {names}")


def _parquet(source: Path, column: str | None) -> Iterator[str]:
    table = open_parquet(source)
    column = _path_column(table.schema_arrow.names, column, source)
    yield from text_column(table, source, [column])


def _csv(source: Path, column: str | None) -> Iterator[str]:
    with open_text(source, "utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if not table.fieldnames:
            return
        column = _path_column(list(table.fieldnames), column, source)
        for row in table:
            if (row[column] or "").strip():
                yield row[column].strip()


def _jsonl(source: Path, column: str | None) -> Iterator[str]:
    with open_text(source, "utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = parse_json(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise BadImageSource(f"line {number} of {source} is not a JSON object")
            column = _path_column(list(row), column, source)
            if not isinstance(row[column], str) or not row[column].strip():
                raise BadImageSource(
                    f"line {number} of {source} names no file in {column!r}"
                )
            yield row[column].strip()


#: Endings of lists, and what reads them.
LISTS = {".txt": _lines, ".csv": _csv, ".jsonl": _jsonl, TABLE: _parquet}
TABLES = tuple(ending for ending in LISTS if ending != ".txt")

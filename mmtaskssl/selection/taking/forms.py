"""How images that were taken lie: in tars, in Parquet, or as files.

Their bytes are copied, nothing is decoded, and the same selection gives the same files.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ...utils import members
from ...utils.atomic import atomic_path
from ...utils.families import OptionConflict, PackageMissing
from .items import Item, parts
from .names import Form

FOLDER = "images"
# Rows that a reader has in memory at a time.
_ROWS = 100


def planned(items: Sequence[Item], form: Form, most: int) -> dict[str, list[Item]]:
    """Returns the files to write, by their paths in the output, and what is in each.

    Args:
        items: In order of choice.
        form: One of `FORMS`.
        most: Bytes of images in a file that holds several.

    Raises:
        UserError: Two images would have one name.
    """
    if form == "folder":
        found: dict[str, list[Item]] = {}
        for item in items:
            name = f"{FOLDER}/{_inside(item)}"
            if name in found:
                raise OptionConflict(
                    f"{item.source} and {found[name][0].source} would both be {name}: "
                    "take them as shards"
                )
            found[name] = [item]
        return found
    end = members.SUFFIX if form == "shards" else members.TABLE
    divided = list(parts(items, most))
    digits = max(5, len(str(len(divided) - 1)))
    return {f"selected-{n:0{digits}d}{end}": part for n, part in enumerate(divided)}


def write(path: Path, items: Sequence[Item], form: Form) -> None:
    """Writes a file of `planned`, whole or not at all."""
    with atomic_path(path) as temporary:
        if form == "folder":
            temporary.write_bytes(items[0].read())
        elif form == "shards":
            _tar(temporary, items)
        else:
            _parquet(temporary, items)


def ids_of(path: Path, items: Sequence[Item], form: Form) -> list[str]:
    """Returns the ids of the images in a file that was written.

    They are as `list_images` would give them, relative to the file's own folder.
    """
    if form == "folder":
        return [path.name]
    if form == "parquet":
        return [f"{path.name}{members.MARK}{row}" for row in range(len(items))]
    names = [n for n in members.member_names(path) if not n.endswith(".json")]
    return [f"{path.name}{members.MARK}{name}" for name in names]


def _inside(item: Item) -> PurePosixPath:
    """Returns where an image lies in a folder: no path leads out of that."""
    inner = item.source
    if (named := members.split(inner)) is not None:
        shard, name = named
        end = item.suffix(item.read()) if shard.lower().endswith(members.TABLE) else ""
        inner = f"{shard}/{name}{end}"
    steps = [part for part in PurePosixPath(inner).parts if part not in ("/", "..")]
    return PurePosixPath(*steps)


def _tar(path: Path, items: Sequence[Item]) -> None:
    """Writes a WebDataset shard: NUMBER.jpg, and NUMBER.json that says why."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for item in items:
            content, key = item.read(), f"{item.rank - 1:09d}"
            _add(tar, key + item.suffix(content), content)
            # Of a file name that is not UTF-8, JSON can hold only the escape.
            told = json.dumps(dict(_row(item))).encode("ascii")
            _add(tar, f"{key}.json", told)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)  # no time, no owner: the same bytes each time
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _row(item: Item) -> Iterator[tuple[str, Any]]:
    yield "image", item.source
    yield "rank", item.rank
    for name, value in item.why.items():
        yield name, float(value) if name == "score" and value else value


def _parquet(path: Path, items: Sequence[Item]) -> None:
    """Writes a table as Hugging Face's data sets have it: image: {bytes, path}."""
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise PackageMissing("Parquet needs pyarrow: pip install pyarrow") from error
    text = pa.string()
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", text)])),
            *(("source", text), ("rank", pa.int64()), ("score", pa.float64())),
            *(("query", text), ("query_rank", pa.int64())),
        ]
    )
    with ParquetWriter(path, schema, compression="none") as writer:
        for first in range(0, len(items), _ROWS):
            rows = [_table_row(item) for item in items[first : first + _ROWS]]
            writer.write_table(pa.Table.from_pylist(rows, schema))


def _table_row(item: Item) -> dict[str, Any]:
    score, rank = item.why.get("score"), item.why.get("query_rank")
    name = os.fsencode(item.source).decode("utf-8", "backslashreplace")
    return {
        "image": {"bytes": item.read(), "path": name},
        "source": name,
        "rank": item.rank,
        "score": float(score) if score else None,
        "query": item.why.get("query"),
        "query_rank": int(rank) if rank else None,
    }

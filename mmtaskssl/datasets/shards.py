"""Sources of images that lie in tars, as WebDataset packs them, or in Parquet."""

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..utils.families import BadImageSource, FileMissing, NoImages, SystemRefused
from ..utils.members import MARK, SUFFIX, TABLE, BadShard, member_names, rows_of
from ..utils.parquet import image_column, open_parquet

#: Column names tried, in this order, when a table's image column is not given.
PATH_COLUMNS = ("image", "path", "file", "filename", "file_name", "img_path")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WILD = "*?["


def is_shard(path: str | os.PathLike) -> bool:
    """Whether a path has the ending of a tar or of a Parquet file."""
    return os.fspath(path).lower().endswith((SUFFIX, TABLE))


def named_shards(source: str) -> list[Path] | None:
    """Returns the shards that a source names; None: it names none.

    Args:
        source: A tar, or a Parquet file; several, as in ``pool-{000..099}.tar`` (both
            ends are inside); or a pattern such as ``pool-*.tar``.

    Raises:
        UserError: One is not there, or none fits the pattern.
    """
    path = os.path.expanduser(source)
    if not is_shard(path) or os.path.isdir(path):
        return None
    if os.path.isfile(path):
        return None if _is_list(Path(path)) else [Path(path)]
    if any(mark in path for mark in _WILD) and not _RANGE.search(path):
        found = sorted(glob.glob(path))
        if not found:
            raise FileMissing(f"no file fits {source}")
        return [Path(one) for one in found]
    found = list(_counted(path))
    for one in found:
        if not os.path.isfile(one):
            of = "" if len(found) == 1 else f", which {source} names,"
            raise FileMissing(f"image source {one}{of} does not exist")
    return [Path(one) for one in found]


def _is_list(path: Path) -> bool:
    """Whether a Parquet file holds paths of images, and no images."""
    if path.suffix.lower() != TABLE:
        return False
    table = open_parquet(path)
    return image_column(table) is None and any(
        name in table.schema_arrow.names for name in PATH_COLUMNS
    )


def _counted(path: str) -> Iterator[str]:
    if (found := _RANGE.search(path)) is None:
        yield path
        return
    first, last = found.groups()
    if int(first) > int(last):
        raise BadImageSource(f"{found[0]} counts downwards: {path}")
    for number in range(int(first), int(last) + 1):
        text = f"{number:0{len(first)}d}"
        yield from _counted(f"{path[: found.start()]}{text}{path[found.end() :]}")


def images_in(shard: Path, suffixes: frozenset[str]) -> Iterator[str]:
    """Yields the paths of the images in a shard, in its order.

    Args:
        shard: A tar, of ``SHARD.tar#MEMBER``, or Parquet, of ``SHARD.parquet#ROW``.
        suffixes: Endings that count as images in a tar, in lower case.

    Raises:
        UserError: It cannot be read, or holds no images.
    """
    try:
        if shard.suffix.lower() == TABLE:
            names = list(map(str, range(rows_of(shard))))
        else:
            names = [n for n in member_names(shard) if _is_image(n, suffixes)]
    except BadShard as error:
        raise BadImageSource(f"{shard} cannot be used: {error}") from error
    except OSError as error:
        raise SystemRefused(f"{shard} cannot be read ({error.strerror})") from error
    if not names:
        raise NoImages(f"{shard} holds no images")
    for name in names:
        yield f"{shard}{MARK}{name}"


def _is_image(name: str, suffixes: frozenset[str]) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and os.path.splitext(name)[1].lower() in suffixes

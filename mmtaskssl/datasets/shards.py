"""Sources of images in tars, as WebDataset packs them, Parquet, LMDB and Lance."""

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..utils import lances
from ..utils.families import BadImageSource, FileMissing, NoImages, SystemRefused
from ..utils.lmdbs import DATA
from ..utils.members import (
    FOLDERS,
    LANCE,
    LMDB,
    MARK,
    TABLE,
    BadShard,
    is_shard,
    keys_of,
    member_names,
    rows_of,
)
from ..utils.parquet import image_column, open_parquet
from ..utils.redaction import redacted
from ..utils.remote import files
from ..utils.remote.addresses import bare, is_remote, learned, shown
from .folders import is_file, is_folder

#: Column names tried, in this order, when a table's image column is not given.
PATH_COLUMNS = ("image", "path", "file", "filename", "file_name", "img_path")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WILD = "*?["


def named_shards(source: str) -> list[Path] | None:
    """Returns the shards that a source names; None: it names none.

    Args:
        source: A tar, a Parquet file, LMDB or Lance; several, as in
            ``pool-{000..099}.tar`` (both ends are inside); or a pattern such as
            ``pool-*.tar``. Addresses, too.

    Raises:
        UserError: One is not there, or none fits the pattern.
    """
    path = os.path.expanduser(source)
    if not is_shard(bare(path)):
        return None
    (plain,) = learned([path])
    if is_folder(plain):
        if plain.rstrip("/").lower().endswith(FOLDERS) and is_remote(plain):
            raise BadImageSource(
                f"{shown(plain)} is mapped into memory where it lies, and cannot be "
                "read from an address: copy it to a disk"
            )
        return [Path(plain)] if _is_folder_shard(plain) else None
    if is_file(plain):
        return None if _is_list(Path(plain)) else [Path(plain)]
    if any(mark in plain for mark in _WILD) and not _RANGE.search(plain):
        return _fitting(plain, source)
    found = learned(_counted(path))  # each with its signature
    there = _are_files(found)
    if not all(there):
        one = found[there.index(False)]
        of = "" if len(found) == 1 else f", which {redacted(source)} names,"
        raise FileMissing(f"image source {one}{of} does not exist")
    return [Path(one) for one in found]


def _is_folder_shard(path: str) -> bool:
    return path.rstrip("/").lower().endswith(FOLDERS) and os.path.exists(path)


def refuse_data_file(path: Path) -> None:
    """Refuses the file in LMDB, or a folder of it that is not called so.

    Raises:
        UserError: It is one.
    """
    folder = path if path.is_dir() else path.parent
    if is_remote(path) or not (folder / DATA).is_file():
        return
    if path.is_dir() or path.name == DATA:
        raise BadImageSource(
            f"{path} is LMDB, which is named by its folder, and that has to end in "
            f"{LMDB}: "
            + (
                f"name {folder}"
                if folder.suffix.lower() == LMDB
                else f"call it {folder.name}{LMDB}"
            )
        )


def _are_files(paths: list[str]) -> list[bool]:
    if any(map(is_remote, paths)):
        return files.are_files(paths)
    return [os.path.isfile(path) or _is_folder_shard(path) for path in paths]


def _fitting(pattern: str, source: str) -> list[Path]:
    found = files.fitting if is_remote(pattern) else glob.glob
    if not (paths := sorted(found(pattern))):
        raise FileMissing(f"no file fits {redacted(source)}")
    return [Path(one) for one in paths]


def _is_list(path: Path) -> bool:
    """Whether a Parquet file holds paths of images, and no images."""
    if path.suffix.lower() != TABLE:
        return False
    table = open_parquet(path)
    return image_column(table.schema_arrow) is None and any(
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
        shard: A tar, of ``SHARD.tar#MEMBER``; Parquet, of ``SHARD.parquet#ROW``; LMDB,
            of ``POOL.lmdb#KEY``; or Lance, of ``POOL.lance#ROW``.
        suffixes: Endings that count as images in a tar, in lower case.

    Raises:
        UserError: It cannot be read, or holds no images.
    """
    try:
        if shard.suffix.lower() == TABLE:
            names = list(map(str, range(rows_of(shard))))
        elif shard.suffix.lower() == LMDB:
            names = keys_of(shard)
        elif shard.suffix.lower() == LANCE:
            names = list(map(str, range(lances.rows_of(shard))))
        else:
            names = [n for n in member_names(shard) if _is_image(n, suffixes)]
    except BadShard as error:
        raise BadImageSource(f"{shown(shard)} cannot be used: {error}") from error
    except OSError as error:
        raise SystemRefused(
            f"{shown(shard)} cannot be read ({error.strerror})"
        ) from error
    if not names:
        raise NoImages(f"{shown(shard)} holds no images")
    for name in names:
        yield f"{shard}{MARK}{name}"


def _is_image(name: str, suffixes: frozenset[str]) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and os.path.splitext(name)[1].lower() in suffixes

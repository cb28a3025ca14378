"""Which images a source names."""

import csv
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeAlias, runtime_checkable

from mmengine.logging import print_log

from mmtaskssl.runs import check_listed
from mmtaskssl.utils import checks
from mmtaskssl.utils.errors import UserError, option
from mmtaskssl.utils.families import (
    BadImageSource,
    BadLabels,
    BadValue,
    FileMissing,
    ImagesMismatch,
    NoImages,
    SystemRefused,
)
from mmtaskssl.utils.members import SUFFIX, TABLE, exists, split

from .image_reader import BrokenImage, open_picture, read_image, shrink
from .left_out import IMAGE_SUFFIXES, described, is_missed
from .lists import LISTS, TABLES, read_list, written_otherwise
from .shards import images_in, is_shard, named_shards

__all__ = [
    "IMAGE_SUFFIXES",
    "BrokenImage",
    "HasImages",
    "ImagesLike",
    "folder_labels",
    "list_images",
    "open_picture",
    "read_image",
    "shrink",
]


@runtime_checkable
class HasImages(Protocol):
    """What is of images: a feature store, a selection, clusters.

    Attributes:
        root: Folder of the images; "" if unknown.
        image_ids: Paths relative to it.
    """

    @property
    def root(self) -> str:
        """See above."""

    @property
    def image_ids(self) -> Sequence[str]:
        """See above."""


#: A folder, a list, paths, or a value that is of images; see `list_images`.
ImagesLike: TypeAlias = str | os.PathLike | Sequence[str | os.PathLike] | HasImages


def list_images(
    source: ImagesLike,
    root: str | os.PathLike | None = None,
    column: str | None = None,
) -> tuple[Path, list[str]]:
    """Lists the images that ``source`` names, without opening them.

    Args:
        source: A folder (searched recursively; hidden files are skipped; of one that
            holds no images but shards, what is in these), a ``.txt`` with one path a
            line, a ``.csv`` / ``.jsonl`` / ``.parquet`` with a path column, shards (see
            `named_shards`: tars, or Parquet with images' bytes), or paths; or a store,
            a selection or clusters: their images. A listed shard stands for the images
            in it.
        root: The folder that listed paths are relative to. Default: the folder
            itself, the one that holds the list, or, of paths, the current one; of
            absolute paths the innermost one that holds all.
        column: The path column of a table. Default: the only column, or the first
            of `PATH_COLUMNS` that the table has.

    Returns:
        The root folder and the image ids: POSIX paths relative to it, sorted for a
        folder, in file order for a list. An image in a tar is ``SHARD.tar#MEMBER``, in
        the tar's order; in Parquet ``SHARD.parquet#ROW``.

    Raises:
        UserError: The source does not exist, is empty, names no usable path, or is a
            selection that was changed.
    """
    table = isinstance(source, str | os.PathLike) and os.fspath(source).lower()
    if not (isinstance(table, str) and table.endswith(TABLES)):
        checks.unused("with a table of images, .csv, .jsonl or .parquet", column=column)
    if isinstance(source, HasImages):
        if not (root or source.root):
            raise ImagesMismatch(
                "it is not known where the images lie: name their folder with "
                f"{option('root')}"
            )
        gone = getattr(source, "removed_ids", ())  # of a feature store
        ids = [image for image in source.image_ids if image not in gone]
        return Path(root or source.root).expanduser(), ids
    if not isinstance(source, str | os.PathLike):
        if not isinstance(source, Iterable):
            raise _no_images(source)
        source = list(source)
        if not all(isinstance(path, str | os.PathLike) for path in source):
            raise _no_images(source)
        return _relative_to_root([os.fspath(path) for path in source], root, ".", None)
    checks.path_like("images", source)
    if (shards := named_shards(os.fspath(source))) is not None:
        base = Path(root).expanduser() if root else Path(_innermost(shards))
        return base, _in_shards(shards, base, None)
    source = Path(source).expanduser()
    if source.is_dir():
        base = Path(root).expanduser() if root else source
        missed: list[str] = []
        ids: list[str] = []
        for folder, names in _walk(source, IMAGE_SUFFIXES, missed):
            ids += _below(folder, names, base, source)
        others = f"{described(missed)}, which are not read here" if missed else ""
        if not ids:
            packed = _walk(source, frozenset((SUFFIX, TABLE)), [])
            if shards := sorted(f / name for f, names in packed for name in names):
                return base, _in_shards(shards, base, source)
            but = f", but {others}: convert them" if others else "; check the path"
            raise NoImages(f"folder {source} holds no images{but}")
        if others:
            print_log(
                f"folder {source} holds {len(ids):,} images, and beside them {others}: "
                "they are left out",
                "current",
                logging.WARNING,
            )
        return base, sorted(ids)
    if not source.is_file():
        raise FileMissing(f"image source {source} does not exist")
    check_listed(source, kind="selection")
    if source.suffix.lower() not in LISTS:
        raise BadImageSource(
            f"image source {source} is neither a folder nor a .tar, nor a .txt, .csv, "
            ".jsonl or .parquet list"
        )
    try:
        paths = list(read_list(source, column))
    except UnicodeDecodeError:
        paths = ["\0"]
    except (OSError, csv.Error) as error:
        raise BadImageSource(f"image list {source} cannot be read ({error})") from error
    if any("\0" in path for path in paths):
        raise BadImageSource(f"image list {source} is not UTF-8 text")
    return _relative_to_root(paths, root, source.parent, source)


def _relative_to_root(
    paths: Sequence[str],
    root: str | os.PathLike | None,
    default: str | os.PathLike,
    source: Path | None,
) -> tuple[Path, list[str]]:
    """Returns the root folder, and paths of a list as ids below it."""
    if not paths:
        raise NoImages(f"{_called(source)} names no images")
    base = Path(root).expanduser() if root else Path(default)
    if root is None and all(os.path.isabs(path) for path in paths):
        base = Path(_innermost(paths))
    if any(map(is_shard, paths)):
        paths = [
            image
            for path in paths
            for image in (
                images_in(base / path, IMAGE_SUFFIXES) if is_shard(path) else [path]
            )
        ]
    ids = [_relative(Path(path), base, source) for path in paths]
    if not any(exists(base / image_id) for image_id in ids[:20]):
        reason = written_otherwise(ids[:20], lambda image: exists(base / image))
        raise ImagesMismatch(
            f"no image of {_called(source)} is found below {base}"
            + (f": {reason}" if reason else "; set the root folder")
        )
    return base, ids


def _called(source: Path | None) -> str:
    return f"image list {source}" if source else "the list of images"


def _no_images(source: object) -> UserError:
    return BadValue(
        f"{option('images')} must be a folder, a list, paths, or a value that is of "
        f"images, not {checks.shown(source)}"
    )


def folder_labels(image_ids: Sequence[str]) -> list[str]:
    """Returns the first folder of each image id, which names its class.

    Raises:
        UserError: An image lies in no folder.
    """
    labels = []
    for image in image_ids:
        parts = PurePosixPath(image).parts
        if len(parts) < 2:
            raise BadLabels(
                f"image {image} lies in no class folder: labels from folders need "
                "CLASS/IMAGE"
            )
        labels.append(parts[0])
    return labels


def _innermost(paths: Sequence[str | os.PathLike]) -> str:
    """Returns the innermost folder that holds all; of members, their tars."""
    files = [inside[0] if (inside := split(path)) else path for path in paths]
    return os.path.commonpath([os.path.dirname(os.path.abspath(f)) for f in files])


def _in_shards(shards: Sequence[Path], base: Path, source: Path | None) -> list[str]:
    return [
        _relative(Path(image), base.absolute(), source)
        for shard in shards
        for image in images_in(shard.absolute(), IMAGE_SUFFIXES)
    ]


def _walk(
    folder: Path, suffixes: frozenset[str], missed: list[str]
) -> Iterator[tuple[Path, list[str]]]:
    """Yields folders and their files of some endings.

    Others that may be images go to a list.
    """
    seen = set()  # linked folders are followed, but circles of links are not
    for current, folders, files in os.walk(folder, onerror=_unread, followlinks=True):
        real = os.path.realpath(current)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found = []
        for name in files:
            ending = os.path.splitext(name)[1].lower()
            if not name.startswith(".") and ending in suffixes:
                found.append(name)
            elif is_missed(name):
                missed.append(name)
        if found:
            yield Path(current), found


def _unread(error: OSError) -> None:
    raise SystemRefused(
        f"the folder {error.filename} cannot be read ({error.strerror}): images may be "
        "in it"
    ) from error


def _below(folder: Path, names: list[str], base: Path, source: Path) -> list[str]:
    """Returns ids of a folder's images; the folder is looked at once for all."""
    first = _relative(folder / names[0], base, source)
    prefix = first[: len(first) - len(names[0])]
    for name in names:
        if "\n" in name or "\r" in name:
            _relative(folder / name, base, source)  # which says so
    return [prefix + name for name in names]


def _relative(path: Path, base: Path, source: Path | None) -> str:
    try:
        # A relative folder source needs the prefix removed too, a listed one not.
        if path.is_absolute() or (source and source.is_dir()):
            path = path.absolute().relative_to(base.absolute())
    except ValueError:
        named = f" (named by {source})" if source else ""
        raise ImagesMismatch(
            f"{path}{named} lies outside the root folder {base}"
        ) from None
    if "\n" in (image_id := path.as_posix()) or "\r" in image_id:
        raise BadImageSource(
            f"{str(base / path)!r} has a line break in its name, which no list of "
            "images can hold: rename it"
        )
    return image_id

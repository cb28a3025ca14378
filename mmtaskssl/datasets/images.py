"""Which images a source names."""

import contextlib
import csv
import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence
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
)
from mmtaskssl.utils.members import SHARDS, exists, is_shard, looked_through, split
from mmtaskssl.utils.remote.addresses import anchored, bare, is_remote, learned, shown

from .folders import at, check_service, is_absolute, is_file, is_folder, walk
from .image_reader import BrokenImage, open_picture, read_image, shrink
from .left_out import IMAGE_SUFFIXES, described, others_of
from .lists import LISTS, TABLES, read_list, written_otherwise
from .shards import images_in, named_shards, refuse_data_file

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
    table = isinstance(source, str | os.PathLike) and bare(os.fspath(source)).lower()
    if not (isinstance(table, str) and table.endswith(TABLES)):
        checks.unused("with a table of images, .csv, .jsonl or .parquet", column=column)
    if isinstance(source, HasImages):
        if not (root or source.root):
            raise ImagesMismatch(
                "it is not known where the images lie: name their folder with "
                f"{option('root', '--pool-root')}"
            )
        gone = getattr(source, "removed_ids", ())  # of a feature store
        ids = [image for image in source.image_ids if image not in gone]
        return _folder(root or source.root), ids
    if not isinstance(source, str | os.PathLike):
        if not isinstance(source, Iterable):
            raise _no_images(source)
        source = list(source)
        if not all(isinstance(path, str | os.PathLike) for path in source):
            raise _no_images(source)
        return _relative_to_root([os.fspath(path) for path in source], root, ".", None)
    checks.path_like("images", source)
    if (shards := named_shards(os.fspath(source))) is not None:
        base = _folder(root) if root else Path(_innermost(shards))
        return base, _in_shards(shards, base, None)
    source = _folder(source)
    if is_folder(source):
        base = _folder(root) if root else source
        missed: list[str] = []
        ids: list[str] = []
        for folder, names in walk(source, IMAGE_SUFFIXES, missed):
            ids += _below(folder, names, base, source)
        others = f"{described(missed)}, which are not read here" if missed else ""
        if not ids:
            packed = walk(source, SHARDS, [], read_whole=False)
            if shards := sorted(f / name for f, names in packed for name in names):
                return base, _in_shards(shards, base, source)
            refuse_data_file(source)
            but = f", but {others}: convert them" if others else others_of(source)
            raise NoImages(f"folder {shown(source)} holds no images{but}")
        if others:
            print_log(
                f"folder {shown(source)} holds {len(ids):,} images, and beside them "
                f"{others}: they are left out",
                "current",
                logging.WARNING,
            )
        return base, sorted(ids)
    if not is_file(source):
        raise FileMissing(f"image source {shown(source)} does not exist")
    if not is_remote(source):
        check_listed(source, kind="selection")
    if source.suffix.lower() not in LISTS:
        refuse_data_file(source)
        raise BadImageSource(
            f"image source {shown(source)} is neither a folder nor a .tar, nor a .txt, "
            ".csv, .jsonl or .parquet list"
        )
    try:
        paths = list(read_list(source, column))
    except UnicodeDecodeError:
        paths = ["\0"]
    except (OSError, csv.Error) as error:
        raise BadImageSource(
            f"image list {shown(source)} cannot be read ({error})"
        ) from error
    if any("\0" in path for path in paths):
        raise BadImageSource(f"image list {shown(source)} is not UTF-8 text")
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
    paths = _bare(paths, source)
    base = _folder(root) if root else Path(default)
    if root is None and all(map(is_absolute, paths)):
        base = Path(_innermost(paths))
    if any(map(is_shard, paths)):
        looked_through(at(base, path) for path in paths if is_shard(path))
        paths = [
            image
            for path in paths
            for image in (
                images_in(at(base, path), IMAGE_SUFFIXES) if is_shard(path) else [path]
            )
        ]
    ids = [_relative(Path(path), base, source) for path in paths]
    if not any(exists(base / image_id) for image_id in ids[:20]):
        reason = written_otherwise(ids[:20], lambda image: exists(base / image))
        end = f": {reason}" if reason else f"; name their folder with {option('root')}"
        raise ImagesMismatch(
            f"no image of {_called(source)} is found below {base}{end}"
        )
    return base, ids


def _folder(source: str | os.PathLike) -> Path:
    (plain,) = learned([os.fspath(source)])
    if is_remote(plain):
        check_service(plain)
    return Path(plain).expanduser()


def _bare(paths: Sequence[str], source: Path | None) -> list[str]:
    """Returns listed paths without what opens them, by which none may differ."""
    found = learned(paths)
    if any(map(is_remote, found)) and len({*paths}) > len({*found}):
        pairs = {*zip(found, paths, strict=True)}
        same = Counter(plain for plain, _ in pairs).most_common(1)[0][0]
        raise BadImageSource(
            f"{_called(source)} has addresses that differ only in a query, such as "
            f"{same}, which is taken for a signature"
        )
    return found


def _called(source: Path | None) -> str:
    return f"image list {shown(source)}" if source else "the list of images"


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
    folders = {os.path.dirname(anchored(file)) for file in files}
    found = ""
    with contextlib.suppress(ValueError):  # some lie here, and some elsewhere
        found = os.path.commonpath(folders)
    if found.rstrip("/").endswith(":") or not found:
        raise ImagesMismatch(
            "the images lie under addresses of several places, or here and elsewhere: "
            "make a pool of each"
        )
    return found


def _in_shards(shards: Sequence[Path], base: Path, source: Path | None) -> list[str]:
    looked_through(shards)
    return [
        _relative(Path(image), anchored(base), source)
        for shard in shards
        for image in images_in(anchored(shard), IMAGE_SUFFIXES)
    ]


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
        if is_remote(path):
            path = path.relative_to(base)
        # A relative folder source needs the prefix removed too, a listed one not.
        elif path.is_absolute() or (source and source.is_dir()):
            path = path.absolute().relative_to(base.absolute())
    except ValueError:
        named = f" (named by {source})" if source else ""
        raise ImagesMismatch(
            f"{shown(path)}{named} lies outside the root folder {shown(base)}"
        ) from None
    if "\n" in (image_id := path.as_posix()) or "\r" in image_id:
        raise BadImageSource(
            f"{str(base / path)!r} has a line break in its name, which no list of "
            "images can hold: rename it"
        )
    return image_id

"""Sources of images that lie in tars, as WebDataset packs them."""

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..utils.errors import UserError
from ..utils.members import MARK, SUFFIX, BadShard, member_names

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WILD = "*?["


def is_shard(path: str | os.PathLike) -> bool:
    """Whether a path has the ending of a tar."""
    return os.fspath(path).lower().endswith(SUFFIX)


def named_shards(source: str) -> list[Path] | None:
    """Returns the tars that a source names; None: it names no tars.

    Args:
        source: A tar; several, as in ``pool-{000..099}.tar`` (both ends are inside);
            or a pattern such as ``pool-*.tar``.

    Raises:
        UserError: One is not there, or none fits the pattern.
    """
    if not is_shard(source) or os.path.isdir(source):
        return None
    path = os.path.expanduser(source)
    if os.path.isfile(path):
        return [Path(path)]
    if any(mark in path for mark in _WILD) and not _RANGE.search(path):
        found = sorted(glob.glob(path))
        if not found:
            raise UserError(f"no tar fits {source}")
        return [Path(one) for one in found]
    found = list(_counted(path))
    for one in found:
        if not os.path.isfile(one):
            of = "" if len(found) == 1 else f", which {source} names,"
            raise UserError(f"image source {one}{of} does not exist")
    return [Path(one) for one in found]


def _counted(path: str) -> Iterator[str]:
    if (found := _RANGE.search(path)) is None:
        yield path
        return
    first, last = found.groups()
    if int(first) > int(last):
        raise UserError(f"{found[0]} counts downwards: {path}")
    for number in range(int(first), int(last) + 1):
        text = f"{number:0{len(first)}d}"
        yield from _counted(f"{path[: found.start()]}{text}{path[found.end() :]}")


def images_in(shard: Path, suffixes: frozenset[str]) -> Iterator[str]:
    """Yields the paths of the images in a tar, in its order: ``SHARD.tar#MEMBER``.

    Args:
        shard: The tar.
        suffixes: Endings that count as images, in lower case.

    Raises:
        UserError: The tar cannot be read, or holds no images.
    """
    empty = True
    try:
        names = member_names(shard)
    except BadShard as error:
        raise UserError(f"{shard} cannot be used: {error}") from error
    except OSError as error:
        raise UserError(f"{shard} cannot be read ({error.strerror})") from error
    for name in names:
        parts = name.split("/")
        if os.path.splitext(name)[1].lower() in suffixes and not any(
            part.startswith(".") for part in parts
        ):
            empty = False
            yield f"{shard}{MARK}{name}"
    if empty:
        raise UserError(f"{shard} holds no images")

"""Files of a folder of images that are not read, because of their endings."""

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from mmtaskssl.runs import Record
from mmtaskssl.utils.errors import UserError, option
from mmtaskssl.utils.families import NoImages

# fmt: off
#: Endings that count as images when a folder is searched (compared in lower case).
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".gif", ".tif", ".tiff",
    ".webp", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".tga", ".avif", ".exr",
    ".hdr", ".ras", ".sr",
))
# Of what lies beside images and is none: nobody misses it.
_BESIDE = frozenset((
    ".bin", ".cfg", ".csv", ".db", ".geojson", ".gz", ".html", ".ini", ".json",
    ".jsonl", ".kml", ".lock", ".log", ".mat", ".md", ".md5", ".npy", ".npz",
    ".parquet", ".pdf", ".pkl", ".prj", ".py", ".rar", ".rst", ".sha256",
    ".tfw", ".tgz", ".toml", ".tsv", ".txt", ".url", ".xls", ".xlsx", ".xml", ".xmp",
    ".yaml", ".yml", ".zip",
))
_NO_ENDING_BESIDE = frozenset(("license", "licence", "makefile", "readme", "thumbs"))
# fmt: on
_KINDS = 4  # that a message names


def is_missed(name: str) -> bool:
    """Whether a file's user may take it for an image, though it is not read.

    Args:
        name: Of a file in a folder of images.
    """
    stem, ending = os.path.splitext(name.lower())
    if name.startswith(".") or ending in IMAGE_SUFFIXES or ending in _BESIDE:
        return False
    return bool(ending) or stem not in _NO_ENDING_BESIDE


def described(names: Collection[str]) -> str:
    """Returns how many files there are of each ending, such as "2 .heic".

    Args:
        names: Of files.
    """
    endings = Counter(os.path.splitext(name.lower())[1] for name in names)
    parts = [
        f"{count:,} {ending}" if ending else f"{count:,} without an ending"
        for ending, count in endings.most_common(_KINDS)
    ]
    more = len(endings) - _KINDS
    return ", ".join(parts) + (f" and {more} more kinds" if more > 0 else "")


def check_classes(folder: str | os.PathLike, found: Collection[str]) -> None:
    """Refuses class folders that would vanish, as all their files have other endings.

    Args:
        folder: Of folders CLASS/IMAGE; what is no folder has no such.
        found: The classes that have images.

    Raises:
        UserError: Names one, and the endings in it.
    """
    if not os.path.isdir(folder):
        return
    for path in sorted(Path(folder).iterdir()):
        hidden = path.name.startswith(".") or path.name in found
        if hidden or not path.is_dir():
            continue
        if missed := list(_missed_in(path)):
            raise NoImages(
                f"the class folder {path} holds no image that is read here, but "
                f"{described(missed)}: convert them, to PNG for example, or move the "
                "folder away"
            )


def _missed_in(folder: Path) -> Iterator[str]:
    for _, _, names in os.walk(folder):  # all of it was read before
        yield from (name for name in names if is_missed(name))


def others_of(folder: Path) -> str:
    """Completes "folder ... holds no images": says where those of our work are."""
    record = None
    with contextlib.suppress(UserError):
        record = Record.read(folder)
    if record is None:
        return "; check the path"
    if record.kind == "selection":
        return (
            f": it is a selection, whose images {folder / 'selection.txt'} names; give "
            f"that, and their folder with {option('root')}"
        )
    return (
        f": it is work of this package ({record.kind}); name the folder of its images"
    )

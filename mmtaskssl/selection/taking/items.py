"""What a selection takes out of a pool, before anything is copied."""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...datasets.images import IMAGE_SUFFIXES, ImagesLike, list_images
from ...datasets.regions import as_parts
from ...datasets.selected import read_selection
from ...utils import members
from ...utils.errors import option
from ...utils.families import FileDamaged, ImagesMismatch, SystemRefused
from ...utils.inputs import read_json
from ...utils.remote.addresses import shown
from ..output import SELECTION, SUMMARY, TABLE, read_csv

# First bytes of the formats that a nameless image is likely to have.
_HEADS = (
    (b"\xff\xd8", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
)


@dataclass(frozen=True)
class Item:
    """A selected image.

    Attributes:
        rank: From 1, in order of choice.
        source: Its id in the pool.
        path: The file, or ``SHARD.tar#MEMBER``, or ``TABLE.parquet#ROW``.
        size: In bytes.
        tag: Tells its content from another of that size, see `members.tag_of`.
        why: Columns of the selection's table: score, query, and the query's rank.
    """

    rank: int
    source: str
    path: str
    size: int
    tag: str
    why: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        """Returns what its file holds.

        Raises:
            UserError: It cannot be read, or is not what it was.
        """
        try:
            found = members.find(self.path)
            content = Path(self.path).read_bytes() if found is None else found.read()
        except OSError as error:
            raise SystemRefused(
                f"{self.path} cannot be read ({error.strerror or error})"
            ) from error
        if len(content) != self.size or self._now() != self.tag:
            raise FileDamaged(f"{self.path} has changed since the work began")
        return content

    def _now(self) -> str:
        try:
            return members.tag_of(self.path)
        except OSError:
            return ""

    def suffix(self, content: bytes) -> str:
        """Returns the ending that its name deserves, in lower case."""
        named = os.path.splitext(self.source)[1].lower()
        if named in IMAGE_SUFFIXES:
            return named
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return ".webp"
        # Readers go by the content, and only look for images by the name.
        return next((end for head, end in _HEADS if content.startswith(head)), ".jpg")


def selected_items(
    selection: str | os.PathLike, images: ImagesLike | None, edited: bool
) -> list[Item]:
    """Returns what a selection takes, in its order.

    Args:
        selection: A folder of `select`, or a text file with one image id a line.
        images: The pool, as it was selected from; None: where the folder says.
        edited: Take a list that `select` wrote as it is now, though it was changed.

    Raises:
        UserError: There is no such selection, or images of it are not there.
    """
    given = Path(selection).expanduser()
    file = given / SELECTION if given.is_dir() else given
    ids = list(dict.fromkeys(read_selection(str(file), edited)))
    if images is None:
        root = _root_beside(file)
    else:
        root, known = list_images(images)
        _refuse_missing(sorted({*ids} - {*known}), ids, f"the images {images}", file)
    why = _reasons(file.parent)
    items, gone = [], []
    for rank, image in enumerate(ids, 1):
        path = os.path.join(shown(root), image)
        found = _size_and_tag(path)
        if found is None:
            gone.append(image)
        else:
            items.append(Item(rank, image, path, *found, why.get(image, {})))
    _refuse_missing(gone, ids, root, file)
    return items


def parts(items: Sequence[Item], most: int) -> Iterator[list[Item]]:
    """Divides images into runs of so many bytes; one that is larger is its own."""
    part: list[Item] = []
    held = 0
    for item in items:
        if part and held + item.size > most:
            yield part
            part, held = [], 0
        part.append(item)
        held += item.size
    if part:
        yield part


def _root_beside(file: Path) -> Path:
    """Returns the pool's folder, of a selection that says where it is."""
    summary: Any = None
    if (file.parent / SUMMARY).is_file():
        summary = read_json(file.parent / SUMMARY)
    pool = summary.get("pool") if isinstance(summary, Mapping) else None
    root = pool.get("root") if isinstance(pool, Mapping) else None
    if not root:
        raise ImagesMismatch(
            f"{file} does not say where its images lie: name the pool with "
            f"{option('images')}"
        )
    return Path(str(root))


def _reasons(folder: Path) -> dict[str, dict[str, str]]:
    """Returns what a selection's table says of each image; {}: it has none."""
    if not (folder / TABLE).is_file():
        return {}
    try:
        lines = read_csv(folder / TABLE)
        if lines and not {"image", "score", "query", "query_rank"} <= {*lines[0]}:
            return {}  # somebody else's
        return {
            line["image"]: {
                name: line[name] or "" for name in ("score", "query", "query_rank")
            }
            for line in lines
        }
    except (OSError, KeyError, csv.Error) as error:
        raise FileDamaged(f"{folder / TABLE} is damaged ({error})") from error


def _size_and_tag(path: str) -> tuple[int, str] | None:
    try:
        found = members.find(path)
        size = os.stat(path).st_size if found is None else found.size
        return size, members.tag_of(path)
    except OSError:
        return None


def _refuse_missing(gone: Sequence[str], ids: Sequence[str], where: Any, file: Path):
    if gone:
        instead = as_parts(gone)
        raise ImagesMismatch(
            f"{len(gone):,} of the {len(ids):,} images of {file} are not in {where}, "
            f"the first: {', '.join(gone[:3])}" + (instead and f"; {instead}")
        )

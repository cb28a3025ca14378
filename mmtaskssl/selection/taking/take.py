"""Takes selected images out of their pool."""

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ...datasets.images import ImagesLike
from ...report.result import Result, where_it_is
from ...runs import Record, State, Work
from ...utils import checks
from ...utils.atomic import atomic_path
from ...utils.errors import UserError, option
from ...utils.families import DiskFull
from ...utils.units import size
from ..output import write_csv
from .forms import ids_of, planned, write
from .items import Item, selected_items
from .names import FORMS, Form

#: What was taken: the new id of each image, its old one, and why it was chosen.
TABLE = "taken.csv"
GIGABYTE = 10**9
# Key of a record: times and the like of the files that were read.
_SOURCES = "sources"


@dataclasses.dataclass(frozen=True, eq=False)
class Taken(Result):
    """Selected images, copied out of their pool; any verb takes it as images.

    Attributes:
        out: The folder that holds them.
        form: One of "shards", "parquet" and "folder".
        image_ids: Of the copies, in order of choice.
        sources: Their ids in the pool, in the same order.
        bytes: Of the images.
        files: That hold them.
    """

    out: Path
    form: str
    image_ids: Sequence[str] = dataclasses.field(repr=False)
    sources: Sequence[str] = dataclasses.field(repr=False)
    bytes: int
    files: Sequence[str] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def root(self) -> str:
        """The folder, as of a store or a selection."""
        return str(self.out)

    def table(self) -> str:
        """Returns what was taken, in a line."""
        where = f"{len(self.files):,} files" if len(self.files) > 1 else self.files[0]
        return f"{len(self):,} images, {size(self.bytes)}, in {where} of {self.out}"

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it, JSON-ready."""
        return {**dataclasses.asdict(self), "out": str(self.out)}

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Says where it is: it was written on the way.

        Raises:
            UserError: Another folder is asked for.
        """
        return where_it_is(self.out, folder)


def take(
    selection: str | os.PathLike,
    out: str | os.PathLike,
    images: ImagesLike | None = None,
    *,
    form: Form = "shards",
    shard_bytes: int = GIGABYTE,
    edited_selection: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Taken:
    """Copies the images of a selection out of their pool, byte for byte.

    What was begun goes on with the same call, file by file; the folder says with which
    SHA-256 each was written, and whether an image of the pool has changed since, by its
    size and time (elsewhere: what its service says of it).

    Args:
        selection: A folder of `select`, or a text file with one image id a line.
        out: Receives the files, and a table of what is in them.
        images: The pool, as it was selected from, see `list_images`; None: where the
            selection's folder says.
        form: "shards": WebDataset's tars, in which each image has a JSON file beside it
            that says where it is from and why it was chosen; "parquet": tables with
            the images' bytes, as Hugging Face's data sets are kept; "folder": files of
            the names they had.
        shard_bytes: Bytes of images in one tar or table.
        edited_selection: Take a list that `select` wrote as it is now, though it was
            changed.
        overwrite: Replace what an earlier call left there.
        progress: Takes bytes done and bytes in all.

    Returns:
        What was taken, also of an earlier call with the same inputs.

    Raises:
        UserError: There is no such selection, images of it are not there or change
            meanwhile, the disk is too small, or ``out`` holds anything else.
    """
    checks.path_like("selection", selection)
    checks.path_like("out", out)
    checks.one_of("form", form, FORMS)
    checks.whole("shard_bytes", shard_bytes, 1)
    checks.flag("edited_selection", edited_selection)
    checks.flag("overwrite", overwrite)
    out = Path(out).expanduser()
    items = selected_items(selection, images, edited_selection)
    files = planned(items, form, shard_bytes)
    work = Work(
        "taken images",
        1,
        _inputs(items, form, shard_bytes, overwrite or _knows_sources(out)),
        (*files, TABLE),
        "images that were taken out of a pool",
        words={_SOURCES: "an image of the pool has changed, or its time"},
    )
    state = work.state(out, overwrite)
    if state is State.REPLACE:
        work.clear(out)
    total = sum(item.size for item in items)
    if state is not State.COMPLETE:
        _check_room(out, files)
        with work.growing(out) as growing:
            done = 0
            for name, part in files.items():
                path = out / name
                if not path.exists():  # it has its name once it is whole
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write(path, part, form)
                done += sum(item.size for item in part)
                progress(done, total)
            with atomic_path(out / TABLE) as temporary:
                write_csv(temporary, _lines(items, _ids(out, files, form)))
            growing.finish()
    sources = [item.source for item in items]
    return Taken(out, form, _ids(out, files, form), sources, total, list(files))


def _knows_sources(out: Path) -> bool:
    """Whether what stands there, if anything does, says what its sources were."""
    try:
        record = Record.read(out)
    except UserError:  # whose sentence is that of `Work.state`
        return True
    return record is None or _SOURCES in record.inputs


def _inputs(
    items: Sequence[Item], form: Form, shard_bytes: int, sources: bool
) -> dict[str, Any]:
    told, tags = hashlib.sha256(), hashlib.sha256()
    for item in items:
        line = (item.source, str(item.size), *item.why.values())
        told.update("\0".join(line).encode("utf-8", "surrogateescape") + b"\n")
        tags.update(f"{item.tag}\n".encode("utf-8", "surrogateescape"))
    return {
        "images": told.hexdigest(),
        "form": form,
        "shard_bytes": None if form == "folder" else shard_bytes,
        **({_SOURCES: tags.hexdigest()} if sources else {}),
    }


def _check_room(out: Path, files: Mapping[str, Sequence[Item]]) -> None:
    wanted = sum(
        item.size
        for name, part in files.items()
        if not (out / name).exists()
        for item in part
    )
    place = next(path for path in (out, *out.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if wanted > free:
        raise DiskFull(
            f"the images have {size(wanted)}, and {place} has {size(free)} left: name "
            f"another disk with {option('out')}"
        )


def _ids(out: Path, files: Mapping[str, Sequence[Item]], form: Form) -> list[str]:
    return [
        (PurePosixPath(name).parent / one).as_posix()
        for name, part in files.items()
        for one in ids_of(out / name, part, form)
    ]


def _lines(items: Sequence[Item], ids: Sequence[str]) -> list[tuple[Any, ...]]:
    columns = ("score", "query", "query_rank")
    head = ("image", "source", "rank", *columns)
    rows = [
        (image, item.source, item.rank, *(item.why.get(name, "") for name in columns))
        for image, item in zip(ids, items, strict=True)
    ]
    return [head, *rows]

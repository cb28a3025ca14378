"""What a feature store is to hold, checked and written before its features."""

import contextlib
import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import Record, State, Work, has_types
from ..utils.atomic import atomic_path
from ..utils.errors import UserError, option
from ..utils.families import BadImageSource, NoImages, OutTaken
from ..utils.redaction import redacted_value
from . import layout

IMAGES = "images_sha256"
#: Of features that were not computed here.
CONTENT = "content_sha256"
# What must agree before a run may add to the shards that another run wrote.
_IDENTITY = {
    "extractor": "another extractor",
    "transform": "another transform",
    "dim": "another dim",
    "root": "another image folder",
    IMAGES: "another list of images",
    CONTENT: "other features or labels",
}

# What version 0.1 wrote into its manifest.
_OF_0_1 = {
    **dict.fromkeys(("format", "dim", "rows", "rows_per_shard"), int),
    **dict.fromkeys(("status", "root", "source", IMAGES), str),
    **dict.fromkeys(("extractor", "transform"), dict),
    "shard_rows": list,
}


def work_of(manifest: Mapping[str, Any]) -> Work:
    """Returns the record of the store that a manifest plans."""
    return _StoreWork(
        "feature store",
        layout.FORMAT,
        {key: manifest[key] for key in _IDENTITY if key != CONTENT or key in manifest},
        layout.files(manifest),
        "a feature store",
        legacy=_inputs_of_0_1,
        older=lambda store: layout.files(layout.read_manifest(store)),
        nested=(layout.COPIES,),
        words=_IDENTITY,
        remade=("shard-*.npy",),
        written_format=manifest.get("format", layout.PLAIN),
    )


@dataclasses.dataclass(frozen=True)
class _StoreWork(Work):
    """The record of a store says which format it needs, not the newest that is known.

    Attributes:
        written_format: See above.
    """

    written_format: int = layout.PLAIN

    def describe(self, *args: Any, **kwargs: Any) -> Record:
        """See `Work.describe`."""
        found = super().describe(*args, **kwargs)
        return dataclasses.replace(found, version=self.written_format)


def _inputs_of_0_1(store: Path) -> Mapping[str, Any] | None:
    """Returns the identity of a store from before it had a record."""
    try:
        manifest = layout.read_manifest(store)
        if not has_types(manifest, _OF_0_1):
            return None
        ids = layout.read_ids(store, manifest)
    except UserError:
        return None
    if layout.ids_sha256(ids) != manifest[IMAGES]:
        return None
    return {key: manifest[key] for key in _IDENTITY if key != CONTENT}


@contextlib.contextmanager
def new_store(
    out: str | os.PathLike, manifest: Mapping[str, Any], overwrite: bool = False
) -> Iterator[Path]:
    """Yields a temporary folder that becomes a store once it is whole.

    Args:
        out: The store.
        manifest: What is planned there.
        overwrite: Replace a store that is there; anything else never is.

    Raises:
        UserError: ``out`` exists, or cannot be written.
    """
    work = work_of(manifest)
    state = work.state(out, overwrite=True)
    if state is not State.EMPTY and not overwrite:
        raise OutTaken(
            f"{out} exists: name a new folder, or replace it with {option('overwrite')}"
        )
    with work.replaced(out) as folder:
        yield folder


def new_manifest(
    image_ids: Sequence[str],
    *,
    dim: int,
    extractor: Mapping[str, Any],
    transform: Mapping[str, Any] | None,
    root: str,
    source: str,
    rows_per_shard: int,
    content: str | None = None,
) -> dict[str, Any]:
    """Returns the manifest of a store that has no rows yet."""
    return {
        **({} if content is None else {CONTENT: content}),
        "format": layout.PLAIN,
        "status": "incomplete",
        "extractor": plain(extractor),
        "transform": plain(transform or {}),
        "dim": int(dim),
        "rows": 0,
        "rows_per_shard": int(rows_per_shard),
        "shard_rows": [],
        "root": str(root),
        "source": str(source),
        "images_sha256": layout.ids_sha256(image_ids),
        "class_names": None,
    }


def write_plan(
    path: Path,
    manifest: dict[str, Any],
    new_ids: list[str],
    labels: Sequence[str | None] | None,
    old_ids: Sequence[str] = (),
) -> None:
    """Writes labels, ids and, last, the manifest for ``new_ids`` behind ``old_ids``."""
    size = manifest["rows_per_shard"]
    full, rest = divmod(len(new_ids), size)
    image_ids = [*old_ids, *new_ids]
    new_shards = [size] * full + [rest] * bool(rest)
    manifest["shard_rows"] = manifest["shard_rows"] + new_shards
    manifest["rows"] = len(image_ids)
    manifest["images_sha256"] = layout.ids_sha256(image_ids)
    if labels is not None:
        write_labels(path, manifest, labels)
    write_ids(path, image_ids)
    layout.write_json(path / layout.MANIFEST, manifest)


def take_back(
    path: Path, manifest: dict[str, Any], image_ids: Sequence[str], wanted: Set[str]
) -> None:
    """Lets images that were removed, and are listed again, have their rows back.

    Args:
        path: The store.
        manifest: Changed, and written where it changes.
        image_ids: Of the store's rows.
        wanted: Ids that are listed now.
    """
    rows = layout.rows_of(manifest)
    gone = [row for row in rows.tolist() if image_ids[row] not in wanted]
    if len(gone) < len(rows):
        manifest[layout.REMOVED] = layout.runs_of(np.array(gone, np.int64))
        layout.write_json(path / layout.MANIFEST, manifest)


def write_ids(path: Path, image_ids: Sequence[str]) -> None:
    """Writes the ids in row order."""
    with atomic_path(path / layout.IDS) as temporary:
        temporary.write_bytes(layout.encode_ids(image_ids))


def write_labels(
    path: Path, manifest: dict[str, Any], labels: Sequence[str | None]
) -> None:
    """Writes one label a row; known classes keep their index, new ones follow."""
    names, rows = number_labels(labels, manifest["class_names"] or ())
    manifest["class_names"] = names
    with atomic_path(path / layout.LABELS) as temporary, open(temporary, "wb") as file:
        np.save(file, rows)


def number_labels(
    labels: Sequence[str | None], known: Sequence[str] = ()
) -> tuple[list[str], np.ndarray]:
    """Returns class names, known ones first, and (N,) int64 indices (-1: None)."""
    names = [*known, *sorted({n for n in labels if n is not None} - set(known))]
    index: dict[str | None, int] = {name: i for i, name in enumerate(names)}
    return names, np.array([index.get(name, -1) for name in labels], dtype=np.int64)


def check_ids(image_ids: list[str]) -> None:
    """Refuses image ids that are missing, repeated or hold a line break.

    Raises:
        UserError: They are.
    """
    if not image_ids:
        raise NoImages("a feature store needs at least one image")
    if len(set(image_ids)) != len(image_ids):
        twice, _ = Counter(image_ids).most_common(1)[0]
        raise BadImageSource(f"image {twice!r} is listed twice: list each image once")
    for image in image_ids:
        if not isinstance(image, str):
            raise BadImageSource(f"an image id is a text, not {image!r}")
        if "\n" in image or not image:
            raise BadImageSource(f"image id {image!r} is empty or holds a line break")


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``value`` as JSON reads it back, so that it can be compared."""
    return json.loads(json.dumps(redacted_value(value)))

"""What a feature store is to hold, checked and written before its features."""

import contextlib
import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.atomic import atomic_path
from ..utils.errors import UserError
from . import layout

# What must agree before a run may add to the shards that another run wrote.
_IDENTITY = ("extractor", "transform", "dim", "root", "images_sha256")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a full or forbidden disk into a `UserError` that says what is left."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"no space left on the disk while writing {path}: what is finished "
                "is kept, free some space and run the same command again"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise UserError(f"cannot write to {path}: {error.strerror}") from error
        raise


def new_manifest(
    image_ids: Sequence[str],
    *,
    dim: int,
    extractor: Mapping[str, Any],
    transform: Mapping[str, Any] | None,
    root: str,
    source: str,
    rows_per_shard: int,
) -> dict[str, Any]:
    """Returns the manifest of a store that has no rows yet."""
    return {
        "format": layout.FORMAT,
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
    with atomic_path(path / layout.IDS) as temporary:
        temporary.write_bytes(layout.encode_ids(image_ids))
    layout.write_json(path / layout.MANIFEST, manifest)


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
    index = {name: i for i, name in enumerate(names)}
    return names, np.array([index.get(name, -1) for name in labels], dtype=np.int64)


def check_ids(image_ids: list[str]) -> None:
    """Refuses image ids that are missing, repeated or hold a line break.

    Raises:
        UserError: They are.
    """
    if not image_ids:
        raise UserError("a feature store needs at least one image")
    if len(set(image_ids)) != len(image_ids):
        seen: set[str] = set()
        twice = next(i for i in image_ids if i in seen or seen.add(i))
        raise UserError(f"image {twice!r} is listed twice: list each image once")
    for image in image_ids:
        if "\n" in image or not image:
            raise UserError(f"image id {image!r} is empty or holds a line break")


def check_identity(
    path: Path, old: dict[str, Any], new: dict[str, Any], append: bool
) -> None:
    """Refuses to mix what two extractions make of the same store.

    Args:
        path: The store.
        old: Its manifest.
        new: That of the extraction which is about to begin.
        append: Whether it may have other images.

    Raises:
        UserError: They differ.
    """
    for key in _IDENTITY:
        if append and key == "images_sha256":
            continue
        if old[key] != new[key]:
            what = {"images_sha256": "list of images", "root": "image folder"}
            raise UserError(
                f"{path} was begun with another {what.get(key, key)}: name another "
                "folder, or delete this one to start again"
            )


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``value`` as JSON reads it back, so that it can be compared."""
    return json.loads(json.dumps(value))

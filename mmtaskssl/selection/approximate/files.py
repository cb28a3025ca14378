"""The folder that an index lies in.

::

    INDEX/
      manifest.json     how it was made, and which shards of the store each part is of
      groups.npy        float32 (G, D), centroids of groups of lists
      sizes.npy         int64 (G,), lists of each group
      centroids.npy     float32 (L, D), centroids of the lists
      rotation.npy      float32 (B x S, D), turns features before they have codes
      books.npy         float32 (B, 256, S), the code book of each byte of a code
      part-00000.npy    uint8 (rows, width): of each row its list, and its code
      ...
      record.json       inputs and checksums, see ``runs``

They are plain arrays, and so nothing in them is run, or believed before it is checked.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...features.store import FeatureStore
from ...runs import Record, Work, check_version, has_types, verify
from ...utils.atomic import write_text
from ...utils.families import (
    FeaturesMismatch,
    FileDamaged,
    FileMissing,
    NotAResult,
    Unfinished,
)
from ...utils.inputs import load_array, read_json, why
from ...utils.redaction import redacted_value
from .codes import ENTRIES, Coder, list_bytes
from .lists import Lists

FORMAT = 1
MANIFEST = "manifest.json"
ARRAYS = ("groups.npy", "sizes.npy", "centroids.npy", "rotation.npy", "books.npy")
_FIELDS = {
    **dict.fromkeys(("dim", "lists", "code_bytes", "seed", "trained_on"), int),
    "extractor": dict,
    "files": dict,
    "parts": list,
}
_PART = {"file": str, "rows": int, "shards": list}
_AGAIN = "delete the folder, and the index is made again"


def part_name(number: int) -> str:
    """Returns the name of a part's file."""
    return f"part-{number:05d}.npy"


def work_of(inputs: Mapping[str, Any]) -> Work:
    """Returns the record of the index that is made from some inputs."""
    return Work("index", FORMAT, inputs, [MANIFEST, *ARRAYS], "an index")


def inputs_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what an index depends on, however many rows were put into it."""
    names = ("dim", "extractor", "lists", "code_bytes", "seed", "trained_on")
    return {name: manifest[name] for name in names}


def read_manifest(folder: Path, complete: bool = True) -> dict[str, Any]:
    """Reads and checks manifest.json.

    Args:
        folder: Of an index.
        complete: Refuse one that is not finished.

    Raises:
        UserError: There is none, or it is unfinished, damaged or a newer version's.
    """
    if not folder.exists():
        raise FileMissing(f"index {folder} does not exist")
    record = Record.read(folder)
    if record is None or record.kind != "index":
        raise NotAResult(f"{folder} holds no index: name another folder")
    if complete and not record.complete:
        raise Unfinished(
            f"the index in {folder} is unfinished: run the same command again, which "
            "goes on"
        )
    try:
        manifest = read_json(folder / MANIFEST)
        version = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileDamaged(
            f"{folder / MANIFEST} is damaged ({why(error)}): {_AGAIN}"
        ) from error
    check_version(version, FORMAT, str(folder))
    if not _is_manifest(manifest):
        raise FileDamaged(f"{folder / MANIFEST} is damaged: {_AGAIN}")
    return manifest


def _is_manifest(value: Any) -> bool:
    return (
        has_types(value, _FIELDS)
        and all(value[name] > 0 for name in ("dim", "lists", "code_bytes"))
        and all(isinstance(digest, str) for digest in value["files"].values())
        and all(
            has_types(part, _PART)
            and part["rows"] > 0
            and part["file"] == part_name(number)
            and all(isinstance(digest, str) for digest in part["shards"])
            for number, part in enumerate(value["parts"])
        )
    )


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes manifest.json."""
    text = json.dumps(redacted_value({**manifest, "format": FORMAT}), indent=1)
    write_text(folder / MANIFEST, f"{text}\n")


def check_files(folder: Path) -> None:
    """Compares a finished folder with its checksums.

    Raises:
        UserError: A file is absent or changed.
    """
    verify(folder)


def read_coder(folder: Path, manifest: Mapping[str, Any]) -> Coder:
    """Reads what makes codes.

    Raises:
        UserError: An array is damaged.
    """
    dim, lists, size = (manifest[name] for name in ("dim", "lists", "code_bytes"))
    groups, sizes, centroids, rotation, books = (
        _array(folder / name) for name in ARRAYS
    )
    width = -(-dim // size)
    for name, array, kind, shape in (
        ("groups.npy", groups, np.float32, (len(sizes), dim)),
        ("sizes.npy", sizes, np.int64, (len(sizes),)),
        ("centroids.npy", centroids, np.float32, (lists, dim)),
        ("rotation.npy", rotation, np.float32, (size * width, dim)),
        ("books.npy", books, np.float32, (size, ENTRIES, width)),
    ):
        whole = array.dtype == kind and array.shape == shape
        if not whole or (kind == np.float32 and not np.isfinite(array).all()):
            raise _damaged(folder / name, f"it holds {array.dtype} {array.shape}")
    if (sizes < 0).any() or sizes.sum() != lists:
        raise _damaged(folder / "sizes.npy", f"they are not of {lists} lists")
    return Coder(Lists(groups, sizes, centroids), rotation, books)


def open_part(folder: Path, part: Mapping[str, Any], coder: Coder) -> np.ndarray:
    """Maps a part into memory, (rows, width) uint8.

    Raises:
        UserError: It is damaged.
    """
    path = folder / part["file"]
    found = _array(path, mapped=True)
    if found.dtype != np.uint8 or found.shape != (part["rows"], coder.width):
        raise _damaged(path, f"it holds {found.dtype} {found.shape}")
    lists = len(coder.lists.centroids)
    number: np.ndarray = np.zeros((len(found), 4), np.uint8)
    number[:, : list_bytes(lists)] = found[:, : list_bytes(lists)]
    if (number.view("<u4") >= lists).any():  # faiss would write elsewhere
        raise _damaged(path, f"it names lists beyond the {lists} that there are")
    return found


def check_store(
    folder: Path,
    manifest: Mapping[str, Any],
    pool: FeatureStore,
    digests: Sequence[str],
) -> int:
    """Checks that an index is of what a store is, or was before it was appended to.

    Args:
        folder: Of the index.
        manifest: Of the index.
        pool: The store.
        digests: Of its shards.

    Returns:
        How many of its shards are in the index.

    Raises:
        UserError: It is of other features.
    """
    known = [digest for part in manifest["parts"] for digest in part["shards"]]
    same = (
        manifest["dim"] == pool.dim
        and manifest["extractor"] == pool.manifest["extractor"]
        and [*digests[: len(known)]] == known
    )
    counts = pool.manifest["shard_rows"]
    rows = sum(part["rows"] for part in manifest["parts"])
    if not same or sum(counts[: len(known)]) != rows:
        raise FeaturesMismatch(
            f"the index in {folder} was made from other features than those of "
            f"{pool.path}: name another folder, or delete this one, and the index is "
            "made again"
        )
    return len(known)


def _array(path: Path, mapped: bool = False) -> np.ndarray:
    try:
        return load_array(path, mapped=mapped)
    except (OSError, ValueError) as error:
        raise _damaged(path, why(error)) from error


def _damaged(path: Path, reason: str) -> FileDamaged:
    return FileDamaged(f"{path} is damaged ({reason}): {_AGAIN}")

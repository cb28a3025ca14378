"""What lies in a feature store's folder.

::

    STORE/
      manifest.json      what was extracted, how, whether it is complete, and which
                         rows were removed since
      ids.txt            one image id a line: the row order
      labels.npy         int64 (rows,), -1 unknown; absent without labels
      shard-00000.npy    float16 (shard_rows[0], dim), rows L2-normalised
      ...
      quarantine.json    rows without a usable feature (stored as zeros), and why
      record.json        identity and checksums, see ``runs``
      copies/            another store: of copies of its images, see ``copies.py``
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import check_version, has_types
from ..utils.atomic import write_text
from ..utils.families import FileDamaged, FileMissing, NotAResult
from ..utils.inputs import load_array, read_bytes, read_json, why
from ..utils.redaction import redacted_value

#: Newest format, and that of a store of which nothing was removed.
FORMAT, PLAIN = 2, 1
MANIFEST = "manifest.json"
IDS = "ids.txt"
LABELS = "labels.npy"
#: Key of a manifest: rows that were removed, each run's first row and length.
REMOVED = "removed"
QUARANTINE = "quarantine.json"
COPIES = "copies"
# Small enough that a killed run loses little work, large enough that hundreds of
# millions of rows are thousands of files: 32 MiB at dim 2048.
ROWS_PER_SHARD = 8192
_FIELDS = {
    **dict.fromkeys(("dim", "rows", "rows_per_shard"), int),
    **dict.fromkeys(("status", "root", "source", "images_sha256"), str),
    **dict.fromkeys(("extractor", "transform"), dict),
    "shard_rows": list,
}
_BAD_ROW = {"row": int, "image": str, "reason": str}
# Bytes of a file of ids: a billion of them.
_IDS_LIMIT = 64 << 30


def shard_path(store: Path, index: int) -> Path:
    """Returns the path of shard ``index``."""
    return store / f"shard-{index:05d}.npy"


def shard_bad_path(store: Path, index: int) -> Path:
    """Returns the path of the bad rows of shard ``index``, until the store is whole."""
    return store / f"shard-{index:05d}.bad.json"


def files(manifest: Mapping[str, Any]) -> list[str]:
    """Returns the names of all files that a store is made of."""
    names = [MANIFEST, IDS, LABELS, QUARANTINE]
    for index in range(len(manifest["shard_rows"])):
        for path in (shard_path, shard_bad_path):
            names.append(path(Path(), index).name)
    return names


def shard_starts(manifest: dict[str, Any]) -> np.ndarray:
    """Returns the first row of each shard and, last, the number of rows."""
    return np.concatenate([[0], np.cumsum(manifest["shard_rows"], dtype=np.int64)])


def open_shard(store: Path, index: int, rows: int, dim: int) -> np.ndarray:
    """Maps one finished shard into memory.

    Raises:
        UserError: It is absent, truncated or of another shape.
    """
    path = shard_path(store, index)
    try:
        shard = load_array(path, mapped=True)
    except (OSError, ValueError) as error:
        raise FileDamaged(
            f"{path} is missing or damaged ({error}): run the extraction "
            "again, which computes only what is missing"
        ) from error
    if shard.shape != (rows, dim) or shard.dtype != np.float16:
        raise FileDamaged(
            f"{path} holds {shard.dtype} {shard.shape}, its manifest says float16 "
            f"{(rows, dim)}: run the extraction again"
        )
    return shard


def read_manifest(store: Path, checked: bool = True) -> dict[str, Any]:
    """Reads and checks the manifest of ``store``, complete or not.

    Args:
        store: The folder.
        checked: False leaves its fields to `check_manifest`, and its caller.

    Raises:
        UserError: Not a feature store, or one that this version cannot read.
    """
    path = store / MANIFEST
    try:
        manifest = read_json(path)
        version = manifest["format"]
    except FileNotFoundError as error:
        if not store.exists():
            raise FileMissing(f"feature store {store} does not exist") from error
        raise NotAResult(
            f"{store} is not a feature store (no {MANIFEST}): extract the features of "
            "its images first"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileDamaged(f"{path} cannot be read ({why(error)})") from error
    check_version(version, FORMAT, str(store))
    if checked:
        check_manifest(store, manifest)
    return manifest


def check_manifest(store: Path, manifest: Mapping[str, Any]) -> None:
    """Refuses a manifest whose fields cannot be those of a store.

    Raises:
        UserError: They cannot.
    """
    if reason := _objection(manifest):
        raise FileDamaged(f"{store / MANIFEST} is damaged ({reason}): extract again")


def _objection(manifest: Mapping[str, Any]) -> str:
    """Says what a manifest's fields cannot be; "" if they are what they should be."""
    for key, kind in _FIELDS.items():
        if type(manifest.get(key)) is not kind:
            return f"its {key} is no {kind.__name__}"
    sizes, names = manifest["shard_rows"], manifest.get("class_names")
    if any(type(size) is not int or size < 1 for size in sizes):
        return "its shard_rows are no numbers of rows"
    if manifest["dim"] < 1 or manifest["rows"] != sum(sizes):
        return "its rows are not those of its shards"
    if not _are_runs(manifest.get(REMOVED, []), manifest["rows"]):
        return "its removed rows are no rows of it"
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if "class_names" not in manifest or (names is not None and not named):
        return "its class_names are no names"
    return ""


def _are_runs(runs: Any, rows: int) -> bool:
    """Whether JSON is runs of rows, in order."""
    end = -1
    for run in runs if isinstance(runs, list) else [None]:
        if not isinstance(run, list) or [type(n) for n in run] != [int, int]:
            return False
        if run[0] <= end or run[1] < 1:
            return False
        end = run[0] + run[1] - 1
    return end < rows


def rows_of(manifest: Mapping[str, Any]) -> np.ndarray:
    """Returns the rows that were removed, sorted, (n,) int64."""
    runs = [np.arange(first, first + n) for first, n in manifest.get(REMOVED, [])]
    return np.concatenate([np.zeros(0, np.int64), *runs])


def runs_of(rows: np.ndarray) -> list[list[int]]:
    """Returns the runs of sorted rows (n,): first row and length of each."""
    edges = np.flatnonzero(np.diff(rows) != 1) + 1
    return [[int(run[0]), len(run)] for run in np.split(rows, edges) if len(run)]


def read_quarantine(store: Path) -> list[dict[str, Any]]:
    """Reads the bad rows of a store, each ``{"row", "image", "reason"}``, by row.

    Raises:
        UserError: They are damaged.
    """
    path = store / QUARANTINE
    rows = read_rows(path) if path.exists() else []
    for entry in rows:
        if not has_types(entry, _BAD_ROW) or entry["row"] < 0:
            raise FileDamaged(f"{path} is damaged ({entry} is no row): extract again")
    return rows


def read_rows(path: Path) -> list[Any]:
    """Reads a JSON list of rows, each of which begins with or has a row's number.

    Raises:
        UserError: It is damaged.
    """
    try:
        rows = read_json(path, limit=4 << 30)
        if not isinstance(rows, list):
            raise ValueError("no list")
    except (OSError, ValueError) as error:
        raise FileDamaged(f"{path} is damaged ({error}): extract again") from error
    return rows


def read_labels(store: Path) -> np.ndarray:
    """Reads the labels of a store's rows.

    Raises:
        UserError: They are missing or damaged.
    """
    path = store / LABELS
    try:
        labels = load_array(path)
        if labels.ndim != 1 or labels.dtype != np.int64:
            raise ValueError(f"{labels.dtype} {labels.shape}")
    except (OSError, ValueError) as error:
        raise FileDamaged(f"{path} is damaged ({error}): extract again") from error
    return labels


def encode_ids(image_ids: Sequence[str]) -> bytes:
    """Returns the content of the file of ids."""
    # File names are bytes to Linux: "surrogateescape" keeps those that are not UTF-8.
    return ("\n".join(image_ids) + "\n").encode("utf-8", "surrogateescape")


def ids_sha256(image_ids: Sequence[str]) -> str:
    """Hashes a list of ids."""
    return hashlib.sha256(encode_ids(image_ids)).hexdigest()


def read_ids(store: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Reads the image ids of a store in row order."""
    # Bytes, because text mode and `splitlines` also split at characters that may
    # stand in a file name. An append that was killed may have left more lines than
    # the manifest counts.
    text = _id_bytes(store / IDS).decode("utf-8", "surrogateescape")
    return text.split("\n")[: manifest["rows"]]


def check_ids(store: Path, manifest: Mapping[str, Any]) -> None:
    """Compares the ids of a store without a record with what its manifest says.

    Raises:
        UserError: They are others.
    """
    stated = manifest.get("images_sha256")
    if stated is not None and ids_sha256(read_ids(store, manifest)) != stated:
        raise FileDamaged(
            f"{store / IDS} does not name the images that {MANIFEST} says were "
            "extracted (its checksum differs): put the right file there, or extract "
            "again"
        )


def _id_bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, limit=_IDS_LIMIT)
    except OSError as error:
        raise FileDamaged(f"{path} is missing or damaged ({error})") from error


def read_id_file(path: str | os.PathLike) -> list[str]:
    """Reads a user's text file of image ids, one a line.

    Raises:
        UserError: It cannot be read as UTF-8 text.
    """
    try:
        text = read_bytes(path, limit=_IDS_LIMIT).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileDamaged(f"cannot read the ids in {path} ({error})") from error
    return text.rstrip("\n").split("\n") if text.strip() else []


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Writes ``value`` atomically as ASCII, which holds any file name.

    Without secrets, see `redacted`.
    """
    write_text(path, json.dumps(redacted_value(value), indent=1) + "\n")

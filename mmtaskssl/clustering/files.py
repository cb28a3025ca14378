"""The folder that clusters lie in."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import Record, Work, check_version, has_types, verify
from ..utils.errors import UserError
from ..utils.families import FileDamaged, FileMissing, NotAResult, Unfinished
from ..utils.inputs import load_array, read_bytes, read_json, why
from ..utils.remote.addresses import shown
from .paths import leaf_digits

FORMAT = 1
MANIFEST = "manifest.json"
IDS = "ids.txt"
LEAF = "leaf.npy"
CENTROIDS = "centroids.npy"
REPORT = "report.html"
#: Levels that are finished, while the others are made.
PARTS = "part-level*.npy"

# What version 0.1 wrote into its manifest.
_OF_0_1 = {
    **dict.fromkeys(("inputs", "extractor", "transform"), dict),
    **dict.fromkeys(("levels", "tree", "sizes", "paths"), list),
    **dict.fromkeys(("mmtaskssl", "kind", "pool", "root", "leaf_sha256"), str),
    "images": int,
}


def work_of(inputs: Mapping[str, Any]) -> Work:
    """Returns the record of the clusters that are made from some inputs."""
    files = [MANIFEST, IDS, LEAF, CENTROIDS, REPORT]
    levels = range(len(inputs.get("tree", ())))
    files += [PARTS.replace("*", str(level)) for level in levels]
    return Work("clusters", FORMAT, inputs, files, "clusters", _inputs_of_0_1)


def _inputs_of_0_1(folder: Path) -> Mapping[str, Any] | None:
    """Returns the inputs of a folder from before it had a record."""
    try:
        manifest = read_manifest(folder)
        ids = read_bytes(folder / IDS, limit=64 << 30).count(b"\n")
        same = sha256(load_array(folder / LEAF)) == manifest["leaf_sha256"]
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None
    whole = has_types(manifest, _OF_0_1) and ids == manifest["images"]
    return manifest["inputs"] if whole and same else None


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads manifest.json.

    Raises:
        UserError: There is none, or one that this version cannot read.
    """
    if not folder.exists():
        raise FileMissing(f"folder of clusters {shown(folder)} does not exist")
    try:
        manifest = read_json(folder / MANIFEST)
        version = manifest["format"]
        tree = manifest["tree"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAResult(
            f"{folder} holds no clusters ({MANIFEST}: {why(error)}): make them with "
            "mmtaskssl cluster"
        ) from error
    check_version(version, FORMAT, str(folder))
    if not isinstance(tree, list):
        raise FileDamaged(f"the clusters in {folder} are damaged (tree {tree!r})")
    return manifest


def _damage(
    manifest: Mapping[str, Any],
    tree: tuple[int, ...],
    ids: Sequence[str],
    leaf: np.ndarray,
    paths: Sequence[tuple[int, ...]],
    centroids: np.ndarray | None,
) -> str | None:
    """Says what is wrong with the content of a folder."""
    leaves = math.prod(tree)
    if not isinstance(manifest["root"], str):
        return f"{MANIFEST} has a root that is no folder"
    for key, kind in (("inputs", dict), ("levels", list)):
        if not isinstance(manifest.get(key, kind()), kind):
            return f"{MANIFEST} has {key} that are no {kind.__name__}"
    if leaf.dtype != np.int32 or leaf.shape != (manifest["images"],):
        return f"{LEAF} holds {leaf.dtype} {leaf.shape}"
    if len(ids) != len(leaf):
        return f"{len(ids)} ids for {len(leaf)} rows"
    if sha256(leaf) != manifest["leaf_sha256"]:
        return f"{LEAF} has another checksum than {MANIFEST} says"
    if len(leaf) and not -1 <= leaf.min() <= leaf.max() < leaves:
        return f"{LEAF} names leaves outside of tree {cross(tree)}"
    if len(paths) != leaves or len(set(paths)) != leaves:
        return f"{len(set(paths))} different paths for {leaves} leaves"
    if {len(path) for path in paths} != {len(leaf_digits(tree)[0])}:
        return "paths of another number of stages than the tree has levels"
    if centroids is not None and len(centroids) != leaves:
        return f"{len(centroids)} centroids for {leaves} leaves"
    return None


def sha256(array: np.ndarray) -> str:
    """Hashes the values of an array."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def cross(numbers: Sequence[int]) -> str:
    """Returns numbers as a tree is written."""
    return "x".join(map(str, numbers))


def read(folder: Path) -> tuple[Any, ...]:
    """Reads and checks a folder; returns the fields of `Clusters` up to `centroids`.

    Raises:
        UserError: There are no clusters, or they are unfinished or damaged.
    """
    record = Record.read(folder)
    if record is not None and not record.complete:
        raise Unfinished(
            f"the clusters in {folder} are unfinished: run the same clustering "
            "again, which goes on"
        )
    manifest = read_manifest(folder)
    try:
        text = read_bytes(folder / IDS, limit=64 << 30)
        if not (folder / LEAF).is_file():
            raise FileMissing(f"{folder} lacks {LEAF}: make the clusters again")
        leaf = load_array(folder / LEAF)
        centroids = None
        if manifest["centroids"]:
            centroids = load_array(folder / CENTROIDS)
        ids = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
        tree = tuple(manifest["tree"])
        paths = [tuple(p) for p in manifest["paths"]]
        damage = _damage(manifest, tree, ids, leaf, paths, centroids)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileDamaged(
            f"the clusters in {folder} are damaged ({why(error)}): make them again"
        ) from error
    if damage:
        raise FileDamaged(
            f"the clusters in {folder} are damaged ({damage}): make them again"
        )
    verify(folder)
    return tree, ids, manifest["root"], leaf, paths, manifest, centroids

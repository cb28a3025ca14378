"""Clusters of a pool on disk."""

import dataclasses
import functools
import hashlib
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.layout import encode_ids
from ..subnets import ALL
from ..utils.atomic import atomic_folder, write_text
from ..utils.errors import UserError
from ..utils.inputs import load_array, read_bytes, read_json
from .paths import leaf_digits

FORMAT = 1
MANIFEST = "manifest.json"
IDS = "ids.txt"
LEAF = "leaf.npy"
CENTROIDS = "centroids.npy"


@dataclasses.dataclass(frozen=True, eq=False)
class Clusters:
    """A tree of clusters over the rows of a feature store.

    ::

        DIR/
          manifest.json    tree, paths, sizes, how the clusters were made
          ids.txt          one image id a line: the row order
          leaf.npy         int32 (rows,), -1 for a row without a usable feature
          centroids.npy    float16 (leaves, dim); absent for random clusters

    Attributes:
        tree: Branches at each level, coarse first.
        image_ids: One id a row.
        root: Folder that the ids are relative to; "" if unknown.
        leaf: (rows,) int32: leaf of each row, 0..prod(tree) - 1 in mixed radix with the
            coarse digit most significant; -1: row without a usable feature.
        paths: Path of each leaf, one group per stage.
        manifest: How the clusters were made; JSON-ready.
        centroids: (leaves, dim) float16, L2-normalised; None for random clusters.
    """

    tree: tuple[int, ...]
    image_ids: list[str]
    root: str
    leaf: np.ndarray
    paths: list[tuple[int, ...]]
    manifest: dict[str, Any] = dataclasses.field(default_factory=dict)
    centroids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def num_leaves(self) -> int:
        """Number of clusters at the bottom of the tree."""
        return math.prod(self.tree)

    @functools.cached_property
    def sizes(self) -> np.ndarray:
        """(leaves,) int64, rows of each leaf."""
        return np.bincount(self.leaf[self.leaf >= 0], minlength=self.num_leaves)

    def rows(self, leaves: int | Sequence[int] | np.ndarray) -> np.ndarray:
        """Returns the sorted int64 rows that lie in any of ``leaves``."""
        return np.flatnonzero(np.isin(self.leaf, leaves))

    def nodes(self, level: int) -> np.ndarray:
        """Returns (rows,) int64, the cluster of each row when cut at a level.

        Args:
            level: 0 puts all rows into one node, ``len(tree)`` gives the leaves.
        """
        below = math.prod(self.tree[level:])
        return np.where(self.leaf < 0, -1, self.leaf // below)

    def leaves_of(self, path: Sequence[int]) -> np.ndarray:
        """Returns the leaves whose path agrees with a full or partial path.

        Args:
            path: One group per stage; `ALL` agrees with any group.

        Raises:
            UserError: Another number of stages, or no leaf has such a path.
        """
        path = np.asarray(path)
        known = np.array(self.paths)
        if path.shape != known.shape[1:]:
            raise UserError(
                f"path {_dotted(path)} has {path.size} stages, but the clusters were "
                f"made for {known.shape[1]} (tree {_cross(self.tree)})"
            )
        found = np.flatnonzero(((known == path) | (path == ALL)).all(axis=1))
        if not len(found):
            raise UserError(
                f"path {_dotted(path)} has a group that tree {_cross(self.tree)} does "
                "not have: cluster the pool with a tree that matches the network"
            )
        return found

    def check_groups(self, groups: Sequence[int]) -> None:
        """Checks that the paths are just those of a network.

        Args:
            groups: Individual groups of each stage.

        Raises:
            UserError: They are not.
        """
        have = tuple((np.array(self.paths).max(axis=0) + 1).tolist())
        if have != tuple(groups):
            raise UserError(
                f"tree {_cross(self.tree)} makes paths over {_cross(have)} groups, but "
                f"the network has {_cross(groups)}: cluster the pool with a tree that "
                "matches the network"
            )

    @classmethod
    def open(cls, path: str | os.PathLike) -> "Clusters":
        """Reads and checks a folder of clusters.

        Raises:
            UserError: There is none, or it is damaged.
        """
        folder = Path(path)
        manifest = _read_manifest(folder)
        try:
            text = read_bytes(folder / IDS, limit=64 << 30)
            leaf = load_array(folder / LEAF)
            centroids = None
            if manifest["centroids"]:
                centroids = load_array(folder / CENTROIDS)
            ids = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
            tree = tuple(manifest["tree"])
            paths = [tuple(p) for p in manifest["paths"]]
            damage = _damage(manifest, tree, ids, leaf, paths, centroids)
            clusters = cls(
                tree, ids, manifest["root"], leaf, paths, manifest, centroids
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"the clusters in {folder} are damaged ({error!r}): make them again "
                "with tools/cluster_data.py --overwrite"
            ) from error
        if damage:
            raise UserError(
                f"the clusters in {folder} are damaged ({damage}): make them again "
                "with tools/cluster_data.py --overwrite"
            )
        return clusters

    def save(self, path: str | os.PathLike) -> None:
        """Writes the folder, which appears complete or not at all."""
        with atomic_folder(path) as folder:
            self.write_files(folder)

    def write_files(self, folder: Path) -> None:
        """Writes the files into a folder that the caller makes appear at once."""
        (folder / IDS).write_bytes(encode_ids(self.image_ids))
        np.save(folder / LEAF, self.leaf.astype(np.int32))
        if self.centroids is not None:
            np.save(folder / CENTROIDS, self.centroids.astype(np.float16))
        manifest = {
            **self.manifest,
            "format": FORMAT,
            "tree": list(self.tree),
            "images": len(self),
            "root": self.root,
            "leaf_sha256": _sha256(self.leaf.astype(np.int32)),
            "centroids": self.centroids is not None,
            "sizes": self.sizes.tolist(),
            "paths": [list(p) for p in self.paths],
        }
        write_text(folder / MANIFEST, json.dumps(manifest) + "\n")


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = read_json(folder / MANIFEST)
        version = manifest["format"]
        tree = manifest["tree"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder} holds no clusters ({error!r}): make them with "
            "tools/cluster_data.py"
        ) from error
    if version != FORMAT or not isinstance(tree, list):
        raise UserError(
            f"the clusters in {folder} have format {version!r}, this version of "
            f"mmtaskssl reads {FORMAT}: make them again with tools/cluster_data.py"
        )
    return manifest


def _damage(manifest, tree, ids, leaf, paths, centroids) -> str | None:
    """Says what is wrong with the content of a folder."""
    leaves = math.prod(tree)
    if leaf.dtype != np.int32 or leaf.shape != (manifest["images"],):
        return f"{LEAF} holds {leaf.dtype} {leaf.shape}"
    if len(ids) != len(leaf):
        return f"{len(ids)} ids for {len(leaf)} rows"
    if _sha256(leaf) != manifest["leaf_sha256"]:
        return f"{LEAF} has another checksum than {MANIFEST} says"
    if len(leaf) and not -1 <= leaf.min() <= leaf.max() < leaves:
        return f"{LEAF} names leaves outside of tree {_cross(tree)}"
    if len(paths) != leaves or len(set(paths)) != leaves:
        return f"{len(set(paths))} different paths for {leaves} leaves"
    if {len(path) for path in paths} != {len(leaf_digits(tree)[0])}:
        return "paths of another number of stages than the tree has levels"
    if centroids is not None and len(centroids) != leaves:
        return f"{len(centroids)} centroids for {leaves} leaves"
    return None


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _cross(numbers: Sequence[int]) -> str:
    return "x".join(map(str, numbers))


def _dotted(path: Sequence[int]) -> str:
    return ".".join("x" if group == ALL else str(group) for group in path)

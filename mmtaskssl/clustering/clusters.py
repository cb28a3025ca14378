"""Clusters of a pool."""

import dataclasses
import functools
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..features.layout import encode_ids
from ..features.store import FeatureStore
from ..report.inline import pictures
from ..report.result import Result
from ..report.thumbs import showing
from ..subnets import ALL
from ..utils.atomic import write_text
from ..utils.families import ClustersMismatch
from ..utils.redaction import redacted_value
from . import files
from .files import cross

# Below a notebook's cell.
_SHOWN_LEAVES, _SHOWN_IMAGES = 16, 10


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """What is known of the images of a pool, to measure clusters with.

    Attributes:
        rows: (rows,) int64 class of each image, -1 unknown.
        names: Names of the classes.
        source: Where they come from.
    """

    rows: np.ndarray
    names: list[str]
    source: str


@dataclasses.dataclass(frozen=True, eq=False)
class Clusters(Result):
    """A tree of clusters over the rows of a feature store.

    ::

        DIR/
          manifest.json    tree, paths, sizes, how the clusters were made
          ids.txt          one image id a line: the row order
          leaf.npy         int32 (rows,), -1 for a row without a usable feature
          centroids.npy    float16 (leaves, dim); absent for random clusters
          report.html      the page, if it is wanted
          record.json      inputs and checksums, see ``runs``

    Attributes:
        tree: Branches at each level, coarse first.
        image_ids: One id a row.
        root: Folder that the ids are relative to; "" if unknown.
        leaf: (rows,) int32: leaf of each row, 0..prod(tree) - 1 in mixed radix with the
            coarse digit most significant; -1: row without a usable feature.
        paths: Path of each leaf, one group per stage.
        manifest: How the clusters were made; JSON-ready.
        centroids: (leaves, dim) float16, L2-normalised; None for random clusters.
        pool: The features that were clustered; None for clusters that were read.
        labels: What they were compared with.
        thumbnails: Whether the page shows images.
    """

    tree: tuple[int, ...]
    image_ids: list[str] = dataclasses.field(repr=False)
    root: str
    leaf: np.ndarray = dataclasses.field(repr=False)
    paths: list[tuple[int, ...]] = dataclasses.field(repr=False)
    manifest: dict[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    centroids: np.ndarray | None = dataclasses.field(default=None, repr=False)
    pool: FeatureStore | None = dataclasses.field(default=None, repr=False)
    labels: Labels | None = dataclasses.field(default=None, repr=False)
    thumbnails: bool = dataclasses.field(default=True, repr=False)

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
        wanted = np.asarray(path)
        known = np.array(self.paths)
        if wanted.shape != known.shape[1:]:
            raise ClustersMismatch(
                f"path {_dotted(path)} has {wanted.size} stages, but the clusters were "
                f"made for {known.shape[1]} (tree {cross(self.tree)})"
            )
        found = np.flatnonzero(((known == wanted) | (wanted == ALL)).all(axis=1))
        if not len(found):
            raise ClustersMismatch(
                f"path {_dotted(path)} has a group that tree {cross(self.tree)} does "
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
            raise ClustersMismatch(
                f"tree {cross(self.tree)} makes paths over {cross(have)} groups, but "
                f"the network has {cross(groups)}: cluster the pool with the tree "
                f"{cross(groups[::-1])}, whose first level is the network's last stage"
            )

    @classmethod
    def open(cls, path: str | os.PathLike) -> "Clusters":
        """Reads and checks a folder of clusters.

        What they are is compared with its checksums; `runs.verify` reads all files.

        Raises:
            UserError: There is none, or it is damaged.
        """
        return cls(*files.read(Path(path)))

    def save(
        self, folder: str | os.PathLike, overwrite: bool = False, report: bool = True
    ) -> Path:
        """Writes the folder, which appears complete or not at all.

        Args:
            folder: See `Result.save`.
            overwrite: See `Result.save`.
            report: Whether to write the page, too.

        Raises:
            UserError: See `Result.save`.
        """
        work = files.work_of(self.work_inputs)
        work.state(folder, overwrite)
        with work.written(folder) as temporary:
            self.write_files(temporary, report)
        return Path(folder)

    @property
    def work_inputs(self) -> dict[str, Any]:
        """What the record of a folder says that they depend on."""
        return self.manifest.get("inputs") or {"leaf": files.sha256(self._leaf)}

    def write_files(self, folder: Path, report: bool = True) -> None:
        """Writes the files into a folder that the caller sees to."""
        if report and "levels" in self.manifest:
            write_text(folder / files.REPORT, self.page())
        (folder / files.IDS).write_bytes(encode_ids(self.image_ids))
        np.save(folder / files.LEAF, self._leaf)
        if self.centroids is not None:
            np.save(folder / files.CENTROIDS, self.centroids.astype(np.float16))
        manifest = json.dumps(redacted_value(self.to_dict()))
        write_text(folder / files.MANIFEST, f"{manifest}\n")

    @property
    def _leaf(self) -> np.ndarray:
        return self.leaf.astype(np.int32)

    def to_dict(self) -> dict[str, Any]:
        """Returns the manifest: all but which image lies where."""
        return {
            **self.manifest,
            "format": files.FORMAT,
            "tree": list(self.tree),
            "images": len(self),
            "root": self.root,
            "leaf_sha256": files.sha256(self._leaf),
            "centroids": self.centroids is not None,
            "sizes": self.sizes.tolist(),
            "paths": [list(p) for p in self.paths],
        }

    def table(self) -> str:
        """Returns sizes and cohesion, a line a level."""
        if "levels" not in self.manifest:
            return f"  {len(self):,} images in {self.num_leaves:,} clusters"
        labels = self.manifest.get("labels")
        head = f"  {'clusters':>8} {'smallest':>9} {'largest':>9} {'imbalance':>10}"
        head += f" {'cohesion':>9}" + (f" {'purity':>7} {'NMI':>6}" if labels else "")
        lines = [head]
        for level, row in enumerate(self.manifest["levels"]):
            line = (
                f"  {row['clusters']:>8,} {row['smallest']:>9,} {row['largest']:>9,} "
                f"{row['imbalance']:>10.2f} {row['cohesion']:>9.3f}"
            )
            if labels and level:
                agreement = labels["levels"][level - 1]
                line += f" {agreement['purity']:>7.3f} {agreement['nmi']:>6.3f}"
            lines.append(line)
        if count := self.manifest["unusable"]:
            lines.append(f"\n{count:,} images have no usable feature: in no cluster")
        return "\n".join(lines)

    def page(self) -> str:
        """Returns the page that shows images of each cluster."""
        if "levels" not in self.manifest:
            return super().page()
        from .page import render  # needs Pillow, which most callers do not

        with showing(self.thumbnails):
            return render(self)

    def _repr_html_(self) -> str:
        """Shows the table in a notebook, and images of the largest clusters."""
        root = Path(self.root) if self.root else None
        rows = []
        for leaf in np.argsort(-self.sizes, kind="stable")[:_SHOWN_LEAVES].tolist():
            members = self.rows(leaf)
            drawn = np.random.default_rng(0).permutation(members)[:_SHOWN_IMAGES]
            names = [self.image_ids[row] for row in drawn.tolist()]
            said = f"cluster {leaf}, {len(members):,} images"
            rows.append((said, [(root and root / name, name) for name in names]))
        with showing(self.thumbnails):
            return super()._repr_html_() + pictures(rows)


def _dotted(path: Sequence[int]) -> str:
    return ".".join("x" if group == ALL else str(group) for group in path)

"""The whole way from a feature store to clusters."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import mmtaskssl

from ..features.fingerprint import fingerprint
from ..features.labels import LabelsLike, labels_of
from ..features.plan import number_labels
from ..features.sources import StoreLike, open_stores
from ..features.store import FeatureStore
from ..utils import checks
from ..utils.families import TooFewImages
from ..utils.units import size
from . import measure
from .clusters import Clusters, Labels
from .options import Options
from .paths import make_paths
from .tree import FEW, FIT_ROWS, MANY, ProgressFactory, TreeBuilder, random_leaves

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


@dataclasses.dataclass(frozen=True)
class Problem:
    """Clusters that are about to be made.

    Attributes:
        store: The pool.
        options: What is asked for.
        root: Folder of the pool's images.
        labels: For measuring only.
        inputs: All that the clusters depend on; JSON-ready.
    """

    store: FeatureStore
    options: Options
    root: str
    labels: Labels | None
    inputs: dict[str, Any]

    def solve(
        self,
        log: Callable[[str], None] | None = None,
        progress: ProgressFactory | None = None,
        parts: Path | None = None,
        leaf: np.ndarray | None = None,
    ) -> Clusters:
        """Clusters; see `cluster`.

        Args:
            log: See `cluster`.
            progress: See `cluster`.
            parts: Prefix of files that keep finished levels.
            leaf: The leaf of each row, where it is known already.
        """
        begin = time.perf_counter()
        store, options = self.store, self.options
        if log:
            for line in self._estimate():
                log(line)
        if leaf is None:
            leaf = self._assign(parts, progress)
        sizes = np.bincount(leaf[leaf >= 0], minlength=options.leaves)
        bar = progress and progress("measure", len(store))
        sums = measure.feature_sums(store, leaf, options.leaves, bar)
        cohesion = measure.cohesion(sums, sizes)
        manifest = {
            "mmtaskssl": mmtaskssl.__version__,
            "inputs": self.inputs,
            "kind": "random" if options.random else "balanced k-means",
            "seed": options.seed,
            "path_map": options.path_map,
            "pool": str(store.path),
            "unusable": len(store.bad_rows),
            "extractor": store.manifest["extractor"],
            "transform": store.manifest["transform"],
            "levels": measure.levels(options.tree, sums, sizes),
            "cohesion": [round(c, 4) for c in cohesion.tolist()],
        }
        clusters = Clusters(
            options.tree,
            store.image_ids,
            self.root,
            leaf,
            make_paths(options.tree, options.path_map, options.seed),
            manifest,
            None if options.random else measure.centroids(sums),
            store,
            self.labels,
        )
        if self.labels is not None:
            manifest["labels"] = measure.agreement(clusters, self.labels)
        manifest["seconds"] = round(time.perf_counter() - begin, 2)
        return clusters

    def _assign(
        self, parts: Path | None, progress: ProgressFactory | None
    ) -> np.ndarray:
        options = self.options
        if options.random:
            return random_leaves(self.store, options.leaves, options.seed)
        builder = TreeBuilder(
            *(self.store, options.tree, options.lower, options.upper),
            *(options.seed, options.sample, parts, progress),
        )
        return builder.build()

    def _estimate(self) -> list[str]:
        """Says what the work will cost."""
        store, options = self.store, self.options
        tree = "x".join(map(str, options.tree))
        passes = 1 if options.random else len(options.tree) + 1
        read = 2 * len(store) * store.dim
        widest = max(options.tree)
        memory = len(store) * ((8 * FEW if widest > MANY else 4 * widest) + 16)
        if not options.random:
            fitted = min(options.sample, FIT_ROWS * max(options.tree), len(store))
            memory += 12 * fitted * store.dim
        return [
            f"pool     {len(store):,} images, {store.dim} features each, "
            f"{len(store.bad_rows):,} unusable",
            f"tree     {tree}: {options.leaves:,} "
            + ("random clusters" if options.random else "clusters"),
            f"expected {passes} passes of {size(read)}, about {size(memory)} of memory",
        ]


def prepare(
    pool: StoreLike,
    options: Options,
    labels: LabelsLike | None = None,
    pool_root: str | os.PathLike | None = None,
    network: NetworkLike | BatchRunner | None = None,
) -> Problem:
    """Opens and checks what clusters are made from, without clustering.

    Args:
        pool: See `cluster`, as for all but ``options``.
        options: How to cluster.
        labels: See above.
        pool_root: See above.
        network: See above.

    Raises:
        UserError: See `cluster`.
    """
    checks.path_like("pool_root", pool_root, none=True)
    (store,) = open_stores([pool], network)
    usable = len(store) - len(store.bad_rows)
    if usable < options.leaves:
        raise TooFewImages(
            f"{store.path} has {usable} usable images, fewer than the {options.leaves} "
            f"clusters of tree {'x'.join(map(str, options.tree))}: take a smaller tree"
        )
    root = store.root if pool_root is None else str(pool_root)
    known = None if labels is None else _read_labels(labels, store.image_ids)
    inputs = {"pool": fingerprint(store), **options.describe()}
    return Problem(store, options, root, known, inputs)


def _read_labels(labels: LabelsLike, image_ids: list[str]) -> Labels:
    names, rows = number_labels(labels_of(labels, image_ids))
    if isinstance(labels, str | os.PathLike):
        return Labels(rows, names, os.fspath(labels))
    return Labels(rows, names, "labels")

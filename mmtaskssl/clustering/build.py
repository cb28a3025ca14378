"""The whole way from a feature store to a folder of clusters."""

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

import mmtaskssl

from ..evaluation.data import read_label_table
from ..features.fingerprint import fingerprint
from ..features.store import FeatureStore
from ..utils.atomic import atomic_folder, write_text
from ..utils.errors import UserError
from ..utils.outputs import check_replaceable, writing
from ..utils.units import size
from . import measure
from .clusters import CENTROIDS, IDS, LEAF, MANIFEST, Clusters
from .page import render
from .paths import make_paths
from .tree import ProgressFactory, TreeBuilder, parse_tree, random_leaves

REPORT = "report.html"
_FILES = (MANIFEST, IDS, LEAF, CENTROIDS, REPORT)


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asks for.

    Attributes:
        pool: Feature store of the pool.
        tree: Branches at each level, coarse first, as ``4x4x4x4``.
        out: Folder to make.
        seed: Of samples, starts, and whatever is random on purpose.
        lower: Least size of a cluster over the mean size; coarse levels have less
            freedom, see `size_bounds`.
        upper: Most size, the same.
        sample: Most rows that the children of one node are fitted on.
        path_map: See `make_paths`.
        random: Random clusters of equal size instead, as a control.
        labels: Table with the label of images; for measuring only.
        pool_root: Folder of the pool's images, if not the one in the store.
        report: Whether to write the HTML page.
        overwrite: Whether to replace earlier clusters.
    """

    pool: str
    tree: str
    out: str
    seed: int = 0
    lower: float = 0.5
    upper: float = 2.0
    sample: int = 16384
    path_map: str = "coarse-last"
    random: bool = False
    labels: str | None = None
    pool_root: str | None = None
    report: bool = True
    overwrite: bool = False


@dataclasses.dataclass(frozen=True)
class Result:
    """What `cluster_pool` did.

    Attributes:
        clusters: What was made.
        new: False if the folder was complete already.
    """

    clusters: Clusters
    new: bool


def cluster_pool(
    options: Options,
    log: Callable[[str], None] = print_log,
    progress: ProgressFactory | None = None,
) -> Result:
    """Clusters a pool and writes the folder, complete or not at all.

    A call that was interrupted goes on after the last level that it finished.

    Args:
        options: What to do.
        log: Takes a line for the user.
        progress: Makes, from a title and a number of rows, a function to be called
            with the number of rows done so far.

    Raises:
        UserError: Bad input; nothing is written.
    """
    begin = time.perf_counter()
    tree = _check(options)
    store = FeatureStore.open(options.pool)
    usable = len(store) - len(store.bad_rows)
    leaves = math.prod(tree)
    if usable < leaves:
        raise UserError(
            f"{store.path} has {usable} usable images, fewer than the {leaves} "
            f"clusters of tree {options.tree}: take a smaller tree"
        )
    labels, label_names = None, None
    if options.labels is not None:
        labels, label_names = _read_labels(options.labels, store.image_ids)
    inputs = _inputs(options, tree, store)
    out = Path(options.out)
    check_replaceable(out, _FILES, "clusters")
    if not options.overwrite and _is_done(out, inputs, options, store):
        return Result(Clusters.open(out), new=False)
    for line in _describe(store, tree, options):
        log(line)
    parts = out.parent / f".{out.name}.{_key(inputs)}"
    with writing(out):
        leaf = _assign(options, store, tree, parts, progress)
        sizes = np.bincount(leaf[leaf >= 0], minlength=leaves)
        bar = progress and progress("measure", len(store))
        sums = measure.feature_sums(store, leaf, leaves, bar)
        manifest = _describe_clusters(options, store, inputs)
        manifest["levels"] = measure.levels(tree, sums, sizes)
        cohesion = measure.cohesion(sums, sizes)
        manifest["cohesion"] = [round(c, 4) for c in cohesion.tolist()]
        clusters = Clusters(
            tree,
            store.image_ids,
            _root(options, store),
            leaf,
            make_paths(tree, options.path_map, options.seed),
            manifest,
            None if options.random else measure.centroids(sums),
        )
        if labels is not None:
            agreement = measure.agreement(clusters, labels, label_names, options.labels)
            manifest["labels"] = agreement
        manifest["seconds"] = round(time.perf_counter() - begin, 2)
        with atomic_folder(out) as folder:
            if options.report:
                page = render(clusters, store, labels, label_names)
                write_text(folder / REPORT, page)
            clusters.write_files(folder)
        for part in out.parent.glob(f"{parts.name}-level*.npy"):
            part.unlink()
    return Result(Clusters.open(out), new=True)


def _assign(
    options: Options,
    store: FeatureStore,
    tree: tuple[int, ...],
    parts: Path,
    progress: ProgressFactory | None,
) -> np.ndarray:
    if options.random:
        return random_leaves(store, math.prod(tree), options.seed)
    bounds = (options.lower, options.upper)
    builder = TreeBuilder(
        store, tree, *bounds, options.seed, options.sample, parts, progress
    )
    return builder.build()


def _describe_clusters(
    options: Options, store: FeatureStore, inputs: dict[str, Any]
) -> dict[str, Any]:
    return {
        "mmtaskssl": mmtaskssl.__version__,
        "inputs": inputs,
        "kind": "random" if options.random else "balanced k-means",
        "seed": options.seed,
        "path_map": options.path_map,
        "pool": str(store.path),
        "unusable": len(store.bad_rows),
        "extractor": store.manifest["extractor"],
        "transform": store.manifest["transform"],
    }


def _root(options: Options, store: FeatureStore) -> str:
    return store.root if options.pool_root is None else options.pool_root


def _check(options: Options) -> tuple[int, ...]:
    if not 0 <= options.lower <= 1 <= options.upper:
        raise UserError(
            f"size bounds {options.lower:g} and {options.upper:g} must be at most and "
            "at least 1 times the mean size"
        )
    if options.sample < 1 or options.seed < 0:
        raise UserError(
            f"sample ({options.sample}) must be at least 1 and seed ({options.seed}) "
            "at least 0"
        )
    tree = parse_tree(options.tree)
    make_paths(tree, options.path_map, options.seed)
    return tree


def _read_labels(path: str, image_ids: list[str]) -> tuple[np.ndarray, list[str]]:
    labels, names = read_label_table(path, image_ids)
    if labels.dim() == 2:
        raise UserError(f"{path} must have one label an image: columns image,label")
    return labels.numpy(), names


def _inputs(
    options: Options, tree: tuple[int, ...], store: FeatureStore
) -> dict[str, Any]:
    """Describes all that the clusters depend on."""
    inputs = {
        "pool": fingerprint(store),
        "tree": list(tree),
        "seed": options.seed,
        "random": options.random,
        "path_map": options.path_map,
    }
    if not options.random:
        inputs |= {key: getattr(options, key) for key in ("lower", "upper", "sample")}
    return inputs


def _key(inputs: dict[str, Any]) -> str:
    text = json.dumps(inputs, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_done(
    out: Path, inputs: dict[str, Any], options: Options, store: FeatureStore
) -> bool:
    """Tells whether ``out`` has all that is asked for.

    Raises:
        UserError: It holds other clusters, which must not be replaced unasked.
    """
    if not out.exists() or not any(out.iterdir()):
        return False
    try:
        known = Clusters.open(out)
        same = known.manifest["inputs"] == inputs
    except (UserError, KeyError):
        same = False
    if not same:
        raise UserError(
            f"{out} exists and was not made from the same inputs: name another folder "
            "with --out, or replace it with --overwrite"
        )
    table = known.manifest.get("labels", {}).get("table")
    return (
        known.root == _root(options, store)
        and (not options.report or (out / REPORT).is_file())
        and options.labels in (None, table)
    )


def _describe(
    store: FeatureStore, tree: tuple[int, ...], options: Options
) -> list[str]:
    passes = 1 if options.random else len(tree) + 1
    read = 2 * len(store) * store.dim
    memory = len(store) * (4 * max(tree) + 16)
    if not options.random:
        memory += 4 * min(options.sample, len(store)) * store.dim
    return [
        f"pool     {len(store):,} images, {store.dim} features each, "
        f"{len(store.bad_rows):,} unusable",
        f"tree     {options.tree}: {math.prod(tree):,} "
        + ("random clusters" if options.random else "clusters"),
        f"expected {passes} passes of {size(read)}, about {size(memory)} of memory",
    ]

"""From features of a pool to a tree of balanced clusters."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..features.sources import StoreLike
from ..utils import checks
from .clusters import Clusters
from .options import Options, parse_tree
from .problem import prepare
from .tree import ProgressFactory

if TYPE_CHECKING:
    from ..features.opening import NetworkLike
    from ..features.runner import BatchRunner


def cluster(
    pool: StoreLike,
    tree: str | Sequence[int],
    *,
    seed: int = 0,
    lower: float = Options.lower,
    upper: float = Options.upper,
    sample: int = Options.sample,
    path_map: str = Options.path_map,
    random: bool = False,
    labels: str | os.PathLike | Sequence[str | None] | None = None,
    pool_root: str | os.PathLike | None = None,
    network: NetworkLike | BatchRunner | None = None,
    thumbnails: bool = True,
    log: Callable[[str], None] | None = None,
    progress: ProgressFactory | None = None,
) -> Clusters:
    """Clusters a pool into a tree, one leaf for each path of a routed network.

    Balanced spherical k-means, level by level (SDR, Liu et al., AAAI 2022; the bounds
    of sizes are ours).

    Args:
        pool: Features of the images: a store, or its folder; with ``network`` also
            the images themselves, a folder or list.
        tree: Branches at each level, coarse first, as ``"4x4x4x4"`` or numbers: one
            level for each stage of the network.
        seed: Of samples, starts, and whatever is random on purpose.
        lower: Least size of a cluster over the mean size, at most 1; coarse levels
            have less freedom, see `size_bounds`.
        upper: Most size, at least 1.
        sample: Most rows that the children of one node are fitted on.
        path_map: Which path trains on which cluster, see `make_paths`.
        random: Random clusters of equal size instead, as a control.
        labels: Class name of each image, None where unknown, or a table of the columns
            image and label, or "folder": the first one of each image names its class;
            for measuring only.
        pool_root: Folder of the pool's images, if not the one in the store.
        network: Extracts a pool of images, see `extract`.
        thumbnails: Whether the page shows images, and their names beneath them.
        log: Takes a line for the user, on the work to come.
        progress: Makes, from a title and a number of rows, a function to be called
            with the number of rows done so far.

    Returns:
        The clusters; nothing is written.

    Raises:
        UserError: No such pool, fewer usable images than clusters, or bad options.
    """
    checks.flag("thumbnails", thumbnails)
    checks.function("log", log, none=True)
    checks.function("progress", progress, none=True)
    options = Options(parse_tree(tree), seed, lower, upper, sample, path_map, random)
    problem = prepare(pool, options, labels, pool_root, network)
    return dataclasses.replace(problem.solve(log, progress), thumbnails=thumbnails)

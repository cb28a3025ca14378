"""Grows the tree of clusters of a feature store, level by level."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ..features.store import FeatureStore
from ..utils.atomic import atomic_path
from ..utils.families import FileDamaged
from ..utils.inputs import load_array
from .assign import balanced_assign
from .assign_few import assign_few
from .kmeans import balanced_kmeans, exact_scores

Progress = Callable[[int], None]
ProgressFactory = Callable[[str, int], Progress]

BLOCK_ROWS = 8192
#: Rows that a centroid is fitted on; with more it hardly moves.
FIT_ROWS = 1024
#: Of more children than ``MANY`` only the scores of the best ``FEW`` are held.
MANY, FEW = 64, 8


def size_bounds(
    rows: int, tree: Sequence[int], level: int, lower: float, upper: float
) -> tuple[int, int]:
    """Returns the fewest and most rows of a cluster of a level.

    ``lower`` and ``upper`` bound a leaf by the mean leaf. Split ``l`` of ``L`` has
    ``l / L`` of that slack (in the exponent), because the children of a parent three
    times too large could be neither equal nor pure. A parent within its bounds can
    always be divided within those of its children.

    Args:
        rows: Usable rows of the pool, at least as many as there are leaves.
        tree: Branches at each level.
        level: 1 for the coarse clusters.
        lower: Least size of a leaf over the mean leaf, at most 1.
        upper: Most size of a leaf over the mean leaf, at least 1.
    """
    mean = rows / math.prod(tree[:level])
    splits = [branches > 1 for branches in tree]
    share = sum(splits[:level]) / sum(splits)
    # Each leaf below needs a row.
    low = max(math.prod(tree[level:]), math.floor(lower**share * mean))
    return low, max(low, math.ceil(upper**share * mean))


class TreeBuilder:
    """Balanced spherical k-means as a tree, over a store larger than memory.

    Each level fits the centroids of every node on a sample of the node's rows, then
    reads the store once for the scores of every row against the children of its node.
    Scores, one float per row and child, are held for the whole pool (16 bytes a row
    for 4 branches; of more than 64 those of the best 8, 64 bytes a row), so that sizes
    keep their bounds over the pool and not only over the sample. A row meets
    ``sum(tree)`` centroids, not ``prod(tree)``: 16 for 256 clusters, which is why no
    approximate index is needed.

    The result is a function of features, tree, bounds, sample and seed.

    Args:
        store: The pool.
        tree: Branches at each level, coarse first.
        lower: See `size_bounds`.
        upper: See `size_bounds`.
        seed: Of samples and starts.
        sample: Most rows that the children of a node are fitted on; 1,024 a child
            are enough, and no more are drawn.
        parts: Prefix of files that keep finished levels; None keeps nothing.
        progress: Makes a function that is told how many rows are done.
    """

    def __init__(
        self,
        store: FeatureStore,
        tree: Sequence[int],
        lower: float,
        upper: float,
        seed: int,
        sample: int,
        parts: Path | None = None,
        progress: ProgressFactory | None = None,
    ):
        self.store, self.tree = store, tuple(tree)
        self.lower, self.upper = lower, upper
        self.seed, self.sample = seed, sample
        self.parts, self.progress = parts, progress

    def build(self) -> np.ndarray:
        """Returns (rows,) int32: the leaf of each row, -1 for a quarantined one."""
        node = np.zeros(len(self.store), dtype=np.int32)
        node[self.store.bad_rows] = -1
        for level in range(len(self.tree)):
            part = self.parts and Path(f"{self.parts}-level{level}.npy")
            if part and part.is_file():
                node = _read_part(part)
                continue
            node = self._split(level, node)
            if part:
                with atomic_path(part) as temporary:
                    np.save(temporary, node)
        return node

    def _split(self, level: int, node: np.ndarray) -> np.ndarray:
        """Returns the children of the nodes that rows lie in."""
        branches = self.tree[level]
        if branches == 1:
            return node
        usable = int((node >= 0).sum())
        low, high = size_bounds(usable, self.tree, level + 1, self.lower, self.upper)
        order = np.argsort(node, kind="stable")[len(node) - usable :]
        ends = np.cumsum(np.bincount(node[order], minlength=_nodes(self.tree, level)))
        members = np.split(order, ends[:-1])
        title = f"level {level + 1}/{len(self.tree)}"
        bar = self.progress and self.progress(f"{title} fit", usable)
        centroids = np.empty((len(members), branches, self.store.dim), dtype=np.float32)
        for index, rows in enumerate(members):
            centroids[index] = self._fit(level, index, rows, branches, low, high)
            if bar:
                bar(int(ends[index]))
        scores, which = self._score(title, node, centroids)
        children = np.full_like(node, -1)
        for index, rows in enumerate(members):
            every = len(rows) == len(node)  # in order: then nothing is copied
            mine = scores if every else scores[rows]
            if which is None:
                child = balanced_assign(mine, low, high)
            else:
                few = which if every else which[rows]
                child = assign_few(mine, few, branches, low, high)
            children[rows] = index * branches + child
        return children

    def _fit(
        self,
        level: int,
        index: int,
        rows: np.ndarray,
        branches: int,
        low: int,
        high: int,
    ) -> np.ndarray:
        rng = np.random.default_rng([self.seed, level, index])
        size = max(min(self.sample, FIT_ROWS * branches), branches)
        drawn = np.sort(rng.permutation(rows)[:size]) if len(rows) > size else rows
        share = len(drawn) / len(rows)
        return balanced_kmeans(
            self.store.read(drawn),
            branches,
            math.floor(low * share),
            math.ceil(high * share),
            rng,
        )

    def _score(
        self, title: str, node: np.ndarray, centroids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Scores rows against the children of their node.

        Returns:
            (rows, branches) float32; of many branches the best few, and which they
            are, (rows, few) int32.
        """
        branches, which = centroids.shape[1], None
        if branches > MANY:
            which = np.zeros((len(node), FEW), dtype=np.int32)
        width = branches if which is None else FEW
        scores = np.empty((len(node), width), dtype=np.float32)
        bar = self.progress and self.progress(title, len(node))
        for first, shard in self.store.iter_shards():
            for begin in range(0, len(shard), BLOCK_ROWS):
                block = np.array(shard[begin : begin + BLOCK_ROWS])
                start = first + begin
                owner = node[start : start + len(block)]
                for index in np.unique(owner[owner >= 0]).tolist():
                    mine = np.flatnonzero(owner == index)
                    found = exact_scores(block[mine], centroids[index])
                    if which is not None:
                        best = torch.from_numpy(found).topk(FEW, dim=1)
                        found = best.values.numpy()
                        which[start + mine] = best.indices.numpy()
                    scores[start + mine] = found
                if bar:
                    bar(start + len(block))
        return scores, which


def random_leaves(store: FeatureStore, leaves: int, seed: int) -> np.ndarray:
    """Returns random clusters of equal size (within one row): the control arm.

    Args:
        store: The pool.
        leaves: How many.
        seed: Draws them.

    Returns:
        (rows,) int32, -1 for a quarantined row.
    """
    usable = np.ones(len(store), dtype=bool)
    usable[store.bad_rows] = False
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(usable))
    leaf = np.full(len(store), -1, dtype=np.int32)
    leaf[rows] = np.arange(len(rows)) % leaves
    return leaf


def _nodes(tree: Sequence[int], level: int) -> int:
    return math.prod(tree[:level])


def _read_part(part: Path) -> np.ndarray:
    try:
        return load_array(part)
    except (OSError, ValueError) as error:
        raise FileDamaged(f"{part} is damaged ({error}): delete it") from error

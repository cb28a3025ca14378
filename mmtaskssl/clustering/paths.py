"""Which path of a routed network each cluster trains."""

import math
from collections.abc import Sequence

import numpy as np

from ..utils.families import UnknownName
from .options import PATH_MAPS

Path = tuple[int, ...]


def leaf_digits(tree: Sequence[int]) -> np.ndarray:
    """Returns (leaves, levels) int64: the branch of each leaf at each level.

    Leaves count in mixed radix, the coarse digit first.
    """
    leaves = np.arange(math.prod(tree))
    return np.stack(np.unravel_index(leaves, tuple(tree)), axis=1)


def make_paths(
    tree: Sequence[int], kind: str = "coarse-last", seed: int = 0
) -> list[Path]:
    """Maps each leaf of a tree of clusters to a path, one to one.

    Deep layers tell more about content than early ones, and no convolution belongs to
    one path alone: a group of stage ``s`` is trained by all leaves whose path names
    it. With ``coarse-last`` (our default; SDR's own order is not known to us) those
    that share a group of the last stage are one coarse cluster, and the progressive
    phases, which split the last stage first, go down the tree.

    Args:
        tree: Branches at each level, coarse first; one level per stage.
        kind: "coarse-last" puts the coarse digit on the last stage, "reversed" on the
            first one, "random" draws a one-to-one map (a control arm).
        seed: Of the random map.

    Returns:
        For each leaf one group per stage.

    Raises:
        UserError: Unknown kind.
    """
    if kind not in PATH_MAPS:
        raise UnknownName(f"path map {kind!r} is none of {', '.join(PATH_MAPS)}")
    digits = leaf_digits(tree)
    if kind != "reversed":
        digits = digits[:, ::-1]
    if kind == "random":
        digits = digits[np.random.default_rng(seed).permutation(len(digits))]
    return [tuple(row) for row in digits.tolist()]

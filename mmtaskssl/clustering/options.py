"""How a pool is to be clustered. Imports nothing that a parser would wait for."""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

from ..utils import checks
from ..utils.families import BadValue

PATH_MAPS = ("coarse-last", "reversed", "random")


@dataclasses.dataclass(frozen=True)
class Options:
    """All that clusters depend on beside the pool; see `cluster`.

    Raises:
        UserError: Nothing can be clustered like that.
    """

    tree: tuple[int, ...]
    seed: int = 0
    lower: float = 0.5
    upper: float = 2.0
    sample: int = 16384
    path_map: str = PATH_MAPS[0]
    random: bool = False

    def __post_init__(self) -> None:
        checks.seed(self.seed)
        checks.whole("sample", self.sample)
        for name in ("lower", "upper"):
            checks.finite(name, getattr(self, name), 0)
        if not 0 <= self.lower <= 1 <= self.upper:
            raise BadValue(
                f"size bounds {self.lower:g} and {self.upper:g} must be at most and at "
                "least 1 times the mean size"
            )
        checks.one_of("path_map", self.path_map, PATH_MAPS)
        checks.flag("random", self.random)

    @property
    def leaves(self) -> int:
        """Clusters at the bottom of the tree."""
        return math.prod(self.tree)

    def describe(self) -> dict[str, Any]:
        """Returns those that matter, JSON-ready."""
        described: dict[str, Any] = {
            "tree": list(self.tree),
            "seed": self.seed,
            "random": self.random,
            "path_map": self.path_map,
        }
        if not self.random:
            bounds = {"lower": self.lower, "upper": self.upper}
            described |= {**bounds, "sample": self.sample}
        return described


# More than any pool has images.
_BRANCHES = re.compile(r"0*[1-9][0-9]{0,11}", re.ASCII)


def parse_tree(tree: str | Sequence[int]) -> tuple[int, ...]:
    """Reads ``4x4x4x4``, or takes its numbers.

    Raises:
        UserError: This is not a tree.
    """
    if not isinstance(tree, str):
        checks.listed("tree", tree, "branches such as [4, 4, 4, 4]")
    text = tree if isinstance(tree, str) else "x".join(map(str, tree))
    parts = text.lower().split("x")
    numbers = all(_BRANCHES.fullmatch(part) for part in parts)
    found = tuple(map(int, parts)) if numbers else ()
    if math.prod(found) < 2:
        raise BadValue(
            f"tree {text!r} must be branches of each level, coarse first, such as "
            "4x4x4x4, or 4x4x1x1 where two stages have one group only"
        )
    return found

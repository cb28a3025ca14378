"""Which paths are looked at: all of them, or a few promising ones."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..subnets import SearchSpace, Subnet
from .names import BEAM

#: Scores of the asked paths, higher is better.
Evaluate = Callable[[Sequence[Subnet]], list[float]]


def shortlist(paths: Sequence[Subnet], prior: Tensor, size: int) -> list[Subnet]:
    """Returns the ``size`` paths that a prior likes best; ties in their order.

    Args:
        paths: All of them.
        prior: (paths,) higher is better.
        size: How many.
    """
    order = torch.argsort(prior, descending=True, stable=True)
    return [paths[i] for i in order[:size].tolist()]


def beam(
    space: SearchSpace,
    start: Sequence[Subnet],
    evaluate: Evaluate,
    width: int = BEAM,
) -> list[Subnet]:
    """Looks at the neighbours of the best paths until none is better.

    A neighbour differs in the group of one stage. In a network of ``g`` groups in
    ``s`` stages a path has ``s (g - 1)`` of them: 12 of 255.

    Args:
        space: Of the paths.
        start: Where to begin.
        evaluate: Scores paths.
        width: Paths whose neighbours are looked at.

    Returns:
        The paths that were scored, in order.
    """
    scored: dict[Subnet, float] = {}
    looked: set[Subnet] = set()
    fresh = list(dict.fromkeys(start))
    while fresh:
        scored |= zip(fresh, evaluate(fresh), strict=True)
        # Stable: of equal paths the one that was found first.
        best = sorted(scored, key=lambda path: -scored[path])[:width]
        fresh = []
        for path in best:
            if path not in looked:
                looked.add(path)
                fresh += space.neighbours(path)
        fresh = [path for path in dict.fromkeys(fresh) if path not in scored]
    return list(scored)

"""Several paths in place of one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .probes import Evidence

SIZES = (2, 4)


def combine(features: Sequence[Tensor], how: str) -> Tensor:
    """Combines the features of several sub-nets on the same images.

    Args:
        features: (N, D) of each.
        how: "concat" puts them side by side, which for kNN averages the cosine
            similarities (an ensemble); "mean" averages the normalised features.

    Returns:
        (N, D times as many) or (N, D).
    """
    unit = [F.normalize(x.float(), dim=1) for x in features]
    return torch.cat(unit, dim=1) if how == "concat" else torch.stack(unit).mean(dim=0)


def soft_choices(
    ranked: Sequence[Tensor], probe: Callable[[list[Tensor]], Evidence]
) -> list[dict[str, Any]]:
    """Scores combinations of the first sub-nets of a ranking beside the first one.

    A combination of ``k`` costs ``k`` forward passes.

    Args:
        ranked: (N, D) features of the sub-nets, best first.
        probe: Scores features.

    Returns:
        JSON-ready: ``first`` (how many), ``how``, score with interval, and how much
        better it is than the first one alone, with interval.
    """
    sizes = [size for size in SIZES if size <= len(ranked)]
    kinds = [(size, how) for size in sizes for how in ("concat", "mean")]
    combined = [combine(ranked[:size], how) for size, how in kinds]
    evidence = probe([ranked[0], *combined])
    found = []
    for place, (size, how) in enumerate(kinds, 1):
        own, margin = evidence.interval(place), evidence.margin(place, 0)
        found.append(
            {
                "first": size,
                "how": how,
                "score": round(own.score, 6),
                "low": round(own.low, 6),
                "high": round(own.high, 6),
                "ahead": round(margin.score, 6),
                "ahead_low": round(margin.low, 6),
                "ahead_high": round(margin.high, 6),
            }
        )
    return found

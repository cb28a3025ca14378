"""Whether sub-nets have an order that can be found at all: the go / no-go gate."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmtaskssl.evaluation.paired import PairedDifference, paired_difference
from mmtaskssl.evaluation.rank_statistics import partial_spearman

#: The reliability that a target needs: a perfect score then reaches 0.63 or more.
LEAST = 0.4
# Ways to halve the parts of the test images that are looked at.
_HALVINGS = 63


@dataclass(frozen=True)
class Gate:
    """What says whether there is an order, of one accuracy on one target.

    Attributes:
        supernets: Reliability of the mean over supernets, from how one's accuracies
            rank another's at equal MACs; NaN of one supernet. The test images are the
            same ones, so it does not know their luck.
        halves: The same from halves of the test images. The supernets are the same
            ones, so it does not know theirs.
        lead: MAX less the mean sub-net, points; the interval is over parts of the test
            images.
    """

    supernets: float
    halves: float
    lead: PairedDifference

    @property
    def reliability(self) -> float:
        """The smaller of those that are known."""
        known = [x for x in (self.supernets, self.halves) if not math.isnan(x)]
        return max(0.0, min(known, default=0.0))

    @property
    def bound(self) -> float:
        """What the best score reaches: the root of the reliability."""
        return math.sqrt(self.reliability)

    @property
    def go(self) -> bool:
        """Whether a ranking says anything."""
        return self.reliability >= LEAST


def gate(
    totals: np.ndarray, folds: np.ndarray, macs: Sequence[float], largest: int
) -> Gate:
    """Measures what a target can tell of sub-nets.

    Args:
        totals: (seeds, nets) accuracies on all test images.
        folds: (seeds, nets, parts) accuracies on parts of them.
        macs: (nets,).
        largest: Which net is MAX.
    """
    size = np.log(np.asarray(macs, dtype=float))
    pairs = [partial_spearman(a, b, size) for a, b in itertools.combinations(totals, 2)]
    supernets = spearman_brown(_mean(pairs), len(totals)) if pairs else math.nan
    halves = []
    mean = folds.mean(0)  # (nets, parts)
    for one, other in _halvings(mean.shape[1]):
        a, b = mean[:, one].mean(1), mean[:, other].mean(1)
        halves.append(partial_spearman(a, b, size))
    lead = paired_difference(mean[largest], mean.mean(0))
    return Gate(supernets, spearman_brown(_mean(halves), 2), lead)


def spearman_brown(r: float, times: int) -> float:
    """Returns the reliability of a measurement that is ``times`` as long.

    Spearman and Brown, British Journal of Psychology 1910.

    Args:
        r: Correlation of two measurements; of a negative one 0 is returned.
        times: How many of them are averaged.
    """
    if math.isnan(r):
        return math.nan
    r = max(0.0, r)
    return times * r / (1 + (times - 1) * r)


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return statistics.fmean(finite) if finite else math.nan


def _halvings(parts: int) -> list[tuple[list[int], list[int]]]:
    """Returns different ways to halve the parts, in an even spread of all."""
    half = parts // 2
    every = [c for c in itertools.combinations(range(parts), half) if 0 in c]
    step = max(1, len(every) // _HALVINGS)
    return [
        ([*one], [part for part in range(parts) if part not in one])
        for one in every[::step]
    ]

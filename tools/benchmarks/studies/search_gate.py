"""Whether sub-nets have an order that can be found at all: the go / no-go gate."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmtaskssl.evaluation.paired import PairedDifference, paired_difference
from mmtaskssl.evaluation.rank_statistics import spearman

#: The reliability that a target needs: a perfect score then reaches 0.63 or more.
LEAST = 0.4
# Ways to halve the parts of the test images that are looked at.
_HALVINGS = 63


@dataclass(frozen=True)
class Reliability:
    """How much of the differences between sub-nets is theirs, and not of the draw.

    Attributes:
        supernets: Of the mean over supernets, from how one's accuracies rank another's;
            NaN of one supernet. The test images are the same ones, so it does not know
            their luck.
        halves: From halves of the test images. The supernets are the same ones, so it
            does not know theirs.
    """

    supernets: float
    halves: float

    @property
    def least(self) -> float:
        """The smaller of those that are known."""
        known = [x for x in (self.supernets, self.halves) if not math.isnan(x)]
        return max(0.0, min(known, default=0.0))

    @property
    def bound(self) -> float:
        """What the best score reaches: the root of the smaller one."""
        return math.sqrt(self.least)


@dataclass(frozen=True)
class Gate:
    """What says whether there is an order, of one accuracy on one target.

    Attributes:
        macs: Reliability at equal MACs.
        shape: At equal MACs, total depth and last width.
        lead: MAX less the mean sub-net, points; the interval is over parts of the test
            images.
    """

    macs: Reliability
    shape: Reliability
    lead: PairedDifference

    @property
    def go(self) -> bool:
        """Whether a ranking says anything."""
        return self.macs.least >= LEAST


def gate(
    totals: np.ndarray, folds: np.ndarray, rivals: np.ndarray, largest: int
) -> Gate:
    """Measures what a target can tell of sub-nets.

    Args:
        totals: (seeds, nets) accuracies on all test images.
        folds: (seeds, nets, parts) accuracies on parts of them.
        rivals: (nets, 3) log-MACs, total depth and last width.
        largest: Which net is MAX.
    """
    size = rivals[:, :1] - rivals[:, :1].mean()
    # Curved, or what size does is taken for an order beside it.
    powers = np.concatenate([size**power for power in range(4)], axis=1)
    shape = np.concatenate([powers, rivals[:, 1:]], axis=1)
    mean = folds.mean(0)  # (nets, parts)
    lead = paired_difference(mean[largest], mean.mean(0))
    return Gate(
        _reliability(totals, mean, powers), _reliability(totals, mean, shape), lead
    )


def _reliability(
    totals: np.ndarray, folds: np.ndarray, known: np.ndarray
) -> Reliability:
    """Reliabilities of what a linear fit on some columns leaves of the accuracies."""

    def agreement(a: np.ndarray, b: np.ndarray) -> float:
        return spearman(*(_rest(values, known) for values in (a, b)))

    pairs = [agreement(*pair) for pair in itertools.combinations(totals, 2)]
    halves = [
        agreement(folds[:, one].mean(1), folds[:, other].mean(1))
        for one, other in _halvings(folds.shape[1])
    ]
    return Reliability(
        spearman_brown(_mean(pairs), len(totals)) if pairs else math.nan,
        spearman_brown(_mean(halves), 2),
    )


def _rest(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    fit, *_ = np.linalg.lstsq(known, values, rcond=None)
    return values - known @ fit


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

"""The difference of two arms on the same images, over one training or several."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from ...utils.families import ShapeMismatch

METHOD, WEIGHTS = "the method", "these weights"
_RESAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Difference:
    """An arm minus a control, in points.

    Attributes:
        control: Its name.
        mean: Over seeds and images.
        low: Lower end of the interval.
        high: Upper end.
        p: Two-sided, of no difference.
        images: How many.
        seeds: Trainings of the arm.
        p_holm: The same, corrected for all controls that were asked about; None: it was
            named beforehand.
    """

    control: str
    mean: float
    low: float
    high: float
    p: float
    images: int
    seeds: int
    p_holm: float | None = None

    @property
    def scope(self) -> str:
        """What the interval speaks of: the method, or these weights alone."""
        return METHOD if self.seeds > 1 else WEIGHTS

    def is_significant(self, level: float) -> bool:
        """Whether it is not chance, after the correction if there was one."""
        return (self.p if self.p_holm is None else self.p_holm) < 1 - level

    def to_dict(self) -> dict[str, Any]:
        """Returns all figures, JSON-ready."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        mean, low, high = (points(one) for one in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"


def points(value: float) -> str:
    """Writes a difference with its sign; what rounds to nothing has none."""
    return f"{value:+.1f}" if abs(value) >= 0.05 else "0.0"


def difference(
    arm: Sequence[Sequence[float]],
    control: Sequence[Sequence[float]],
    name: str,
    level: float = 0.95,
) -> Difference:
    """Compares two arms image by image.

    One training: of these weights, over images like these. The interval is of the
    bootstrap over images (Efron and Tibshirani, 1993, chapter 13), p of McNemar's exact
    test (1947) where an image is right or wrong, else of Student's t.

    Several trainings, paired by their place: of the method. The error adds the variance
    of the seeds' mean differences to that of the images (the mean over seeds), see
    `of_variances`.

    Args:
        arm: Scores of each image, a row for each training.
        control: The same images; one row if its trainings do not differ.
        name: Of the control.
        level: Coverage of the interval.

    Raises:
        UserError: Other images, or trainings without a pair.
    """
    a, b = np.asarray(arm, np.float64), np.asarray(control, np.float64)
    if len(a) == 1 < len(b):  # one network that no seed changes
        a = np.repeat(a, len(b), 0)
    if a.ndim != 2 or a.shape[1:] != b.shape[1:] or len(b) not in (1, len(a)):
        raise ShapeMismatch(
            f"scores of shapes {a.shape} and {b.shape} are not of the same images and "
            "trainings"
        )
    gaps = a - b  # (seeds, images)
    seeds, images = gaps.shape
    mean, by_image = float(gaps.mean()), gaps.mean(0)
    if seeds == 1:
        low, high = _bootstrap(by_image, level)
        binary = {*np.unique(a)} | {*np.unique(b)} <= {0.0, 100.0}
        p = _mcnemar(by_image) if binary else _student(by_image)
        return Difference(name, mean, low, high, p, images, seeds)
    of_seeds = float(gaps.mean(1).var(ddof=1)) / seeds
    of_images = float(by_image.var(ddof=1)) / images if images > 1 else 0.0
    return of_variances(name, mean, (of_seeds, seeds), (of_images, images), level)


def of_variances(
    name: str,
    mean: float,
    of_seeds: tuple[float, int],
    of_images: tuple[float, int],
    level: float = 0.95,
) -> Difference:
    """Returns the difference of several trainings, by the variances of its mean.

    Student's quantile is Cochran's and Cox's (*Experimental Designs*, 1950, section
    4.14): the mean of those of both degrees of freedom, weighted by the variances. It
    is never too sure; Satterthwaite's degrees of freedom are, with two trainings (12 %
    of false alarms in place of 5, simulated with seeds that differ by five points).

    Args:
        name: Of the control.
        mean: Over seeds and images.
        of_seeds: Variance, and how many: two or more.
        of_images: The same.
        level: Coverage of the interval.
    """
    (a, seeds), (b, images) = of_seeds, of_images
    error = math.sqrt(a + b)
    if error == 0:
        p = _all_alike(mean, images)
        return Difference(name, mean, mean, mean, p, images, seeds)

    def quantile(chance: float) -> float:
        """Of both tails together."""
        ends = [float(stats.t.isf(chance / 2, max(n - 1, 1))) for n in (seeds, images)]
        return (a * ends[0] + b * ends[1]) / (a + b)

    half = quantile(1 - level) * error
    p = _chance_of(abs(mean) / error, quantile)
    return Difference(name, mean, mean - half, mean + half, p, images, seeds)


def _chance_of(t: float, quantile: Callable[[float], float]) -> float:
    """Returns the chance whose quantile is ``t``, by bisection of its logarithm."""
    low, high = -600.0, 0.0
    if t <= 0:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(math.exp(middle)) > t else (low, middle)
    return math.exp(high)


def _all_alike(mean: float, images: int) -> float:
    """Returns p of gaps without any spread: of the sign test."""
    return 1.0 if mean == 0 else min(1.0, 2 * 0.5**images)


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """Corrects p values of several differences for their number (Holm, 1979).

    Args:
        differences: Asked about together.

    Returns:
        The same, in their order, with ``p_holm``.
    """
    order = sorted(range(len(differences)), key=lambda i: differences[i].p)
    corrected, worst = [0.0] * len(differences), 0.0
    for place, index in enumerate(order):
        worst = max(worst, (len(order) - place) * differences[index].p)
        corrected[index] = min(1.0, worst)
    return [
        dataclasses.replace(one, p_holm=p)
        for one, p in zip(differences, corrected, strict=True)
    ]


def _bootstrap(gaps: np.ndarray, level: float) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    means = np.empty(_RESAMPLES)
    for begin in range(0, _RESAMPLES, 500):  # not all rows at once
        rows = rng.integers(len(gaps), size=(500, len(gaps)))
        means[begin : begin + 500] = gaps[rows].mean(1)
    ends: Any = np.quantile(means, ((1 - level) / 2, (1 + level) / 2))
    return float(ends[0]), float(ends[1])


def _mcnemar(gaps: np.ndarray) -> float:
    won, lost = int((gaps > 0).sum()), int((gaps < 0).sum())
    if won + lost == 0:
        return 1.0
    return float(stats.binomtest(won, won + lost).pvalue)


def _student(gaps: np.ndarray) -> float:
    spread = gaps.std(ddof=1) if len(gaps) > 1 else 0.0
    if spread == 0:
        return _all_alike(float(gaps.mean()), len(gaps))
    t = abs(gaps.mean()) / (spread / math.sqrt(len(gaps)))
    return 2 * float(stats.t.sf(t, len(gaps) - 1))

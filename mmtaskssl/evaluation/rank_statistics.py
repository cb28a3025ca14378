"""How well one ranking predicts another, and how sure that is."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from ..utils.families import BadValue, NotFinite, ShapeMismatch, TooFewImages

Values = Sequence[float] | np.ndarray
Statistic = Callable[..., float]

# Fewer points have so few rankings that no correlation means anything.
_FEWEST = 3


def spearman(x: Values, y: Values) -> float:
    """Returns Spearman's rho, the correlation of the ranks; ties share a mean rank.

    Args:
        x: (N,) for example scores.
        y: (N,) for example accuracies.

    Returns:
        -1..1; NaN if either is constant.

    Raises:
        UserError: Unequal lengths, fewer than three points, or NaN or infinity.
    """
    x, y = _checked(x, y)
    return _pearson(stats.rankdata(x), stats.rankdata(y))


def kendall(x: Values, y: Values) -> float:
    """Returns Kendall's tau-b, concordant less discordant pairs, corrected for ties.

    Kendall, "The treatment of ties in ranking problems", Biometrika 1945.

    Args:
        x: (N,) for example scores.
        y: (N,) for example accuracies.

    Returns:
        -1..1; NaN if either is constant.

    Raises:
        UserError: See `spearman`.
    """
    x, y = _checked(x, y)
    return float(stats.kendalltau(x, y, variant="b").statistic)


def partial_spearman(x: Values, y: Values, rival: Values) -> float:
    """Returns what x says of y beyond what rival predictors say of both.

    The correlation of the ranks' residuals after a linear fit on the rivals' ranks; of
    one rival (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)).

    Args:
        x: (N,) for example scores.
        y: (N,) for example accuracies.
        rival: (N,) for example MACs, or (N, R) for several rivals.

    Returns:
        -1..1; NaN if the rivals rank x or y without fault, so that nothing is left.

    Raises:
        UserError: See `spearman`.
    """
    if np.ndim(rival) == 2:
        return _partial(x, y, np.asarray(rival, dtype=np.float64).T)
    ranks = [stats.rankdata(values) for values in _checked(x, y, rival)]
    xy = _pearson(ranks[0], ranks[1])
    xz, yz = _pearson(ranks[0], ranks[2]), _pearson(ranks[1], ranks[2])
    left = (1 - xz**2) * (1 - yz**2)
    if not left > 1e-12:
        return float("nan")
    return float(np.clip((xy - xz * yz) / np.sqrt(left), -1, 1))


def _partial(x: Values, y: Values, rivals: np.ndarray) -> float:
    checked = _checked(x, y, *rivals)
    first, second, *others = (stats.rankdata(values) for values in checked)
    design = np.column_stack([np.ones(len(first)), *others])
    left = []
    for ranks in (first, second):
        fit, *_ = np.linalg.lstsq(design, ranks, rcond=None)
        rest = ranks - design @ fit
        spread = ranks - ranks.mean()
        if not rest @ rest > 1e-12 * (spread @ spread):
            return float("nan")
        left.append(rest)
    return _pearson(*left)


def banded(
    statistic: Statistic, x: Values, y: Values, bands: Sequence[object]
) -> float:
    """Returns the mean of a statistic within bands, weighted by their points.

    Inside a narrow band of MACs size predicts nothing, so what is left is the score's.

    Args:
        statistic: Such as `spearman`; takes the two arrays.
        x: (N,).
        y: (N,).
        bands: (N,) the band of each point: any labels.

    Returns:
        NaN if no band has three points and a statistic that is defined.

    Raises:
        UserError: See `spearman`.
    """
    x, y = _checked(x, y)
    labels = np.asarray([str(band) for band in bands])
    if len(labels) != len(x):
        raise ShapeMismatch(f"{len(labels)} bands do not fit {len(x)} points")
    values, weights = [], []
    for label in np.unique(labels):
        inside = labels == label
        if inside.sum() >= _FEWEST:
            value = statistic(x[inside], y[inside])
            if np.isfinite(value):
                values.append(value)
                weights.append(inside.sum())
    return float(np.average(values, weights=weights)) if values else float("nan")


def bootstrap_interval(
    statistic: Statistic,
    *arrays: Sequence,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Returns the percentile bootstrap interval of a statistic of rows.

    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3. Rows
    are drawn with replacement; draws that leave the statistic undefined are left out.

    Args:
        statistic: Takes as many arrays as there are.
        *arrays: Each (N,) or (N, ...); rows that belong together.
        level: Coverage.
        resamples: Draws.
        seed: Of the draws.

    Returns:
        Low and high; NaN if every draw was left out.

    Raises:
        UserError: Unequal lengths, or a bad number.
    """
    arrays = tuple(np.asarray(array) for array in arrays)
    if not 0 < level < 1 or resamples < 1:
        raise BadValue(
            f"an interval needs a level between 0 and 1 and at least one resample, not "
            f"{level} and {resamples}"
        )
    if len({len(array) for array in arrays}) != 1:
        raise ShapeMismatch("a bootstrap needs arrays of equal length")
    rng, count = np.random.default_rng(seed), len(arrays[0])
    values = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(resamples):
            rows = rng.integers(0, count, count)
            values.append(statistic(*(array[rows] for array in arrays)))
    finite = np.asarray(values)[np.isfinite(values)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def shuffled_interval(
    statistic: Statistic,
    x: Values,
    *others: Values,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Returns where a statistic lies if x has nothing to do with the rest.

    Args:
        statistic: Takes x and the others.
        x: (N,) shuffled in each draw.
        *others: Each (N,), left as they are.
        level: Coverage of the interval.
        resamples: Shuffles.
        seed: Of the shuffles.

    Returns:
        Low and high of the shuffled statistics, and the share of shuffles (the true
        order counted as one) whose size reaches the true statistic's: a two-sided p
        value (Phipson and Smyth, 2010).
    """
    rng, x = np.random.default_rng(seed), np.asarray(x)
    truth = abs(statistic(x, *others))
    values = np.asarray(
        [statistic(rng.permutation(x), *others) for _ in range(resamples)]
    )
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    # Rounding must not part equal rankings.
    reached = 1 + int((np.abs(values) >= truth - 1e-12).sum())
    return float(low), float(high), reached / (len(values) + 1)


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = np.sqrt((x @ x) * (y @ y))
    return float(np.clip(x @ y / size, -1, 1)) if size > 0 else float("nan")


def _checked(*arrays: Values) -> list[np.ndarray]:
    checked = [np.asarray(array, dtype=np.float64) for array in arrays]
    if any(array.shape != (len(checked[0]),) for array in checked):
        raise ShapeMismatch("rankings must be vectors of equal length")
    if len(checked[0]) < _FEWEST:
        raise TooFewImages(
            f"a rank correlation needs at least {_FEWEST} points, not {len(checked[0])}"
        )
    if not all(np.isfinite(array).all() for array in checked):
        raise NotFinite("rankings hold NaN or infinity")
    return checked

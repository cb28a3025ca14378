import math

import numpy as np
import pytest
from scipy import stats

from mmtaskssl.evaluation.rank_statistics import (
    banded,
    bootstrap_interval,
    kendall,
    partial_spearman,
    shuffled_interval,
    spearman,
)
from mmtaskssl.utils.errors import UserError


def _noisy(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return x, x + rng.standard_normal(n)


def test_values_by_hand():
    # d = (0, 1, 1, 0): rho = 1 - 6 * 2 / (4 * 15); 5 pairs agree, 1 does not
    x, y = [1, 2, 3, 4], [10, 30, 20, 40]
    assert spearman(x, y) == pytest.approx(0.8)
    assert kendall(x, y) == pytest.approx(4 / 6)
    assert spearman(x, np.negative(x)) == kendall(x, np.negative(x)) == -1
    # a tie in x: 5 pairs left, all agree; tau-b = 5 / sqrt(5 * 6)
    assert kendall([1, 1, 2, 3], x) == pytest.approx(5 / math.sqrt(30))


def test_values_of_scipy_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 40), rng.integers(0, 6, 40)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic)


def test_monotone_maps_change_nothing():
    x, y = _noisy(30, 1)
    assert spearman(np.exp(x), y**3) == pytest.approx(spearman(x, y))
    assert kendall(np.exp(x), y**3) == pytest.approx(kendall(x, y))


def test_constant_has_no_correlation():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert math.isnan(kendall([1, 1, 1], [1, 2, 3]))


def test_partial_is_the_correlation_of_residual_ranks():
    rng = np.random.default_rng(2)
    z = rng.standard_normal(50)
    x, y = z + rng.standard_normal(50), z + rng.standard_normal(50)
    ranks = [stats.rankdata(v) for v in (x, y, z)]
    design = np.stack([ranks[2], np.ones(50)], axis=1)
    rest = [r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in ranks[:2]]
    expected = np.corrcoef(*rest)[0, 1]
    assert partial_spearman(x, y, z) == pytest.approx(expected)
    # nearly all that links x and y is z
    assert abs(partial_spearman(x, y, z)) < 0.3 < spearman(x, y)


def test_a_rival_that_explains_all_leaves_nothing():
    x = np.arange(10)
    assert math.isnan(partial_spearman(x, x[::-1], x))


def test_bands_take_the_size_away():
    # the score grows with size and falls with accuracy inside each band
    size = np.repeat([0, 10, 20], 4)
    score = size + np.tile([0, 1, 2, 3], 3)
    accuracy = size + np.tile([3, 2, 1, 0], 3)
    assert spearman(score, accuracy) > 0.7
    assert banded(spearman, score, accuracy, size) == -1
    # two bands of 3 and 6 points, +1 and -1
    x, y = np.arange(9), np.array([0, 1, 2, 8, 7, 6, 5, 4, 3])
    assert banded(kendall, x, y, ["a"] * 3 + ["b"] * 6) == pytest.approx(-1 / 3)
    assert math.isnan(banded(spearman, [1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 1, 1]))


def test_interval_covers_the_truth_as_often_as_it_says():
    # mean of 40 normal values: the percentile interval covers slightly under 0.9
    rng = np.random.default_rng(3)
    hits = 0
    for trial in range(100):
        values = rng.standard_normal(40)
        low, high = bootstrap_interval(
            np.mean, values, level=0.9, resamples=200, seed=trial
        )
        hits += low <= 0 <= high
    assert 0.8 < hits / 100 < 0.96


def test_interval_is_a_function_of_the_seed_and_keeps_rows_together():
    x, y = _noisy(30, 4)
    first = bootstrap_interval(spearman, x, y, resamples=200)
    assert first == bootstrap_interval(spearman, x, y, resamples=200)
    assert first != bootstrap_interval(spearman, x, y, resamples=200, seed=1)
    assert first[0] < spearman(x, y) < first[1]
    assert bootstrap_interval(spearman, x, x, resamples=50) == (1, 1)


def test_shuffled_score_has_no_correlation():
    x, y = _noisy(40, 5)
    low, high, p = shuffled_interval(spearman, x, y, resamples=150)
    assert low < 0 < high and high < 0.45 and p < 0.01
    rng = np.random.default_rng(6)
    *_, p = shuffled_interval(spearman, rng.permutation(x), y, resamples=150)
    assert p > 0.05
    # three points have six orders, two of which reach the true size
    *_, p = shuffled_interval(spearman, [1, 2, 3], [1, 2, 3], resamples=800)
    assert p == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spearman([1, 2, 3], [1, 2]), "equal length"),
        (lambda: kendall([1, 2], [1, 2]), "at least 3 points"),
        (lambda: spearman([1, 2, math.nan], [1, 2, 3]), "NaN"),
        (lambda: banded(spearman, [1, 2, 3], [1, 2, 3], [0]), "bands"),
        (lambda: bootstrap_interval(np.mean, [1], level=1), "level"),
        (lambda: bootstrap_interval(spearman, [1, 2], [1]), "equal length"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(UserError, match=words):
        call()


def test_partial_of_several_rivals():
    rng = np.random.default_rng(0)
    first, second, own = rng.random((3, 60))
    x, y = first + second + own, 2 * first - second + own
    alone = partial_spearman(x, y, first)
    one = partial_spearman(x, y, first[:, None])
    assert one == pytest.approx(alone)
    # Step by step: the formula of one rival, thrice, for the second.
    by = {
        "xy": alone,
        "xz": partial_spearman(x, second, first),
        "yz": partial_spearman(y, second, first),
    }
    expected = (by["xy"] - by["xz"] * by["yz"]) / np.sqrt(
        (1 - by["xz"] ** 2) * (1 - by["yz"] ** 2)
    )
    both = partial_spearman(x, y, np.stack([first, second], 1))
    assert both == pytest.approx(expected)
    assert both > alone + 0.1
    assert np.isnan(partial_spearman(x, y, np.stack([first, y], 1)))

"""Differences of two arms, image by image."""

import numpy as np
import pytest
from scipy import stats

from mmtaskssl.customize.verdict.difference import METHOD, WEIGHTS, difference, holm
from mmtaskssl.utils.errors import UserError


def _right(count, of=200):
    return [100.0] * count + [0.0] * (of - count)


def test_one_training_speaks_of_its_weights():
    found = difference([_right(150)], [_right(120)], "start")
    assert found.scope == WEIGHTS and found.mean == pytest.approx(15)
    # 30 won, none lost: McNemar's exact test, and the interval of a binomial share.
    assert found.p == pytest.approx(2 * 0.5**30)
    half = 1.96 * 100 * (0.15 * 0.85 / 200) ** 0.5
    assert found.low == pytest.approx(15 - half, abs=0.6)
    assert found.high == pytest.approx(15 + half, abs=0.6)


def test_images_are_paired():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 30, 100)  # the same for both
    ours, theirs = 50 + hard + 2, 50 + hard
    found = difference([ours], [theirs], "start")
    assert found.low == pytest.approx(2) and found.high == pytest.approx(2)


def test_several_trainings_speak_of_the_method():
    rng = np.random.default_rng(1)
    gaps = rng.normal(5, 20, (3, 50)) + np.array([[-4.0], [0.0], [4.0]])
    found = difference(gaps, np.zeros((1, 50)), "start")
    assert found.scope == METHOD and found.seeds == 3
    a = gaps.mean(1).var(ddof=1) / 3
    b = gaps.mean(0).var(ddof=1) / 50
    # Cochran and Cox: quantiles weighted by the variances.
    ends = stats.t.ppf(0.975, [2, 49])
    half = (a * ends[0] + b * ends[1]) / (a + b) * (a + b) ** 0.5
    assert found.high - found.mean == pytest.approx(half)
    # p is that of the interval which just touches 0.
    touching = difference(gaps, np.zeros((1, 50)), "start", 1 - found.p)
    assert touching.low == pytest.approx(0, abs=1e-6)
    # Seeds that differ more make it less sure, though no image says otherwise.
    wider = difference(gaps + np.array([[-9.0], [0.0], [9.0]]), np.zeros((1, 50)), "")
    assert wider.high - wider.low > found.high - found.low


def test_the_interval_covers():
    """Of 95 % intervals of no difference about 95 % hold 0, with seeds' noise too."""
    rng = np.random.default_rng(2)
    for seeds, of_seeds in ((3, 3), (2, 8)):  # with two, Satterthwaite's hold 86 %
        held = 0
        for _ in range(300):
            gaps = rng.normal(0, of_seeds, (seeds, 1)) + rng.normal(0, 25, (seeds, 60))
            found = difference(gaps, np.zeros((1, 60)), "")
            held += found.low <= 0 <= found.high
            assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
        assert 0.92 <= held / 300 <= 1, seeds


def test_gaps_without_spread_are_not_certain():
    ours = [[100.0] * 8, [100.0] * 8]
    assert difference(ours, [[0.0] * 8], "").p == pytest.approx(2 * 0.5**8)
    assert difference([[3.0] * 4], [[1.0] * 4], "").p == pytest.approx(2 * 0.5**4)
    assert difference(ours, ours, "").p == 1


def test_holm_is_stepwise():
    ps = [0.01, 0.04, 0.03]
    base = difference([_right(10)], [_right(10)], "")
    given = [type(base)("c", 1, 0, 2, p, 10, 1) for p in ps]
    found = [one.p_holm for one in holm(given)]
    assert found == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert [one.is_significant(0.95) for one in holm(given)] == [True, False, False]


def test_equal_arms_do_not_differ():
    same = difference([_right(3, 5)] * 2, [_right(3, 5)] * 2, "")
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert difference([_right(3, 5)], [_right(3, 5)], "").p == 1


def test_other_images_are_refused():
    with pytest.raises(UserError, match="not of the same images"):
        difference([[1.0, 2.0]], [[1.0]], "start")
    with pytest.raises(UserError, match="not of the same images"):
        difference([[1.0]] * 3, [[1.0]] * 2, "start")

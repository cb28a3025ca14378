import json
import math

import numpy as np
import pytest
from scipy import stats

from mmtaskssl.evaluation.paired import paired_difference
from mmtaskssl.utils.errors import UserError


def test_values_by_hand():
    # Differences 1, 3, 2: mean 2, sample deviation 1, standard error 1 / sqrt(3).
    found = paired_difference([31, 43, 52], [30, 40, 50])
    assert found.mean == pytest.approx(2)
    assert found.error == pytest.approx(1 / math.sqrt(3))
    # Student's t with two degrees of freedom: 4.303 at 97.5 %.
    assert found.high - 2 == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    # Of the eight flips, two are as far from 0.
    assert found.p == 2 / 8 and found.pairs == 3
    assert found.short() == "+2.0 ± 0.6"
    assert str(found) == "+2.0 ± 0.6 (95 % -0.5 to +4.5, p = 0.25, 3 pairs)"


def test_interval_is_that_of_students_test():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 20))
    reference = stats.ttest_rel(a, b)
    low, high = reference.confidence_interval(0.9)
    found = paired_difference(a, b, level=0.9)
    assert (found.low, found.high) == pytest.approx((low, high))
    # With many pairs both tests say the same.
    assert found.p == pytest.approx(reference.pvalue, abs=0.03)


@pytest.mark.parametrize("count", [6, 40])
def test_without_a_difference_p_is_even_and_with_one_small(count):
    rng, p = np.random.default_rng(0), []
    for _ in range(100):
        a, b = rng.standard_normal((2, count))
        p.append(paired_difference(a, b).p)
    assert 0.4 < np.mean(p) < 0.6
    assert paired_difference(a + 9, b).p <= 2 / 2**6


def test_runs_are_paired_by_their_keys():
    found = paired_difference({0: 5.0, 2: 7.0, 3: 1.0}, {2: 6.0, 0: 5.0, 1: 9.0})
    assert found.mean == 0.5 and found.pairs == 2


def test_one_pair_has_no_interval():
    found = paired_difference([3.0], [1.0])
    assert found.short() == "+2.0" and str(found) == "+2.0 (1 pair)"
    assert json.loads(json.dumps(found.to_dict()))["low"] is None


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ([1, 2], [1], "make no pairs"),
        ([], [], "no run in common"),
        ({0: 1.0}, {1: 1.0}, "no run in common"),
        ({0: 1.0}, [1.0], "both mappings"),
        ([float("nan")], [1.0], "NaN"),
    ],
)
def test_bad_input(ours, theirs, words):
    with pytest.raises(UserError, match=words):
        paired_difference(ours, theirs)
    with pytest.raises(UserError, match="level"):
        paired_difference([1], [2], level=95)

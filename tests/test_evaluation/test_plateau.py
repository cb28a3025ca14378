"""The rule by which a curve has levelled off."""

import pytest

from mmtaskssl.evaluation.plateau import plateau


def curve(*values):
    return [(10 * (i + 1), value) for i, value in enumerate(values)]


def test_a_rising_curve_has_not_and_a_flat_one_has():
    assert plateau(curve(1, 2, 3, 4, 5, 6)) is None
    assert plateau(curve(1, 5, 9, 9.1, 9.2, 9.3)) == 30  # 0.3 of a gain of 8
    assert plateau(curve(1, 5, 9, 9.1, 9.2, 9.5)) is None  # 0.5 of it is more
    assert plateau(curve(1, 5, 9, 9.1, 9.2, 9.5), share=0.1) == 30
    assert plateau(curve(1, 5, 9, 9.1, 9.2), patience=2) == 30
    assert plateau(curve(1, 5, 9)) is None


def test_a_fall_is_no_gain():
    assert plateau(curve(1, 8, 7, 6, 5)) == 20
    assert plateau(curve(5, 4, 3, 2)) == 10
    assert plateau(curve(2, 2, 2, 2)) == 10


@pytest.mark.parametrize("scale", [1e-3, 1.0, 500.0])
def test_units_do_not_count_and_less_may_be_better(scale):
    values = [1, 5, 9, 9.1, 9.2, 9.3]
    up = curve(*(scale * v for v in values))
    down = curve(*(7 - scale * v for v in values))
    assert plateau(up) == plateau(down, rule="less") == 30
    assert plateau(down) == 10


def test_the_end_does_not_change_what_was_said():
    values = [1, 5, 9, 9.1, 9.2, 9.3, 30, 60]
    said = [plateau(curve(*values[:n])) for n in range(1, 9)]
    assert said == [None] * 5 + [30] * 3

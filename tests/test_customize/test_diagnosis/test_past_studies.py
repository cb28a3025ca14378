"""Predictions from past studies, against the same by hand."""

import numpy as np
import pytest

from mmtaskssl.customize.diagnosis.past_studies import PastStudies, PastStudy


def _row(target, headroom, gain):
    before = {"linear": 50.0, "headroom": headroom}
    return PastStudy("s", target, "timm:x", 40, 1, before, {"continued": gain})


def test_a_prediction_is_shrunken_and_has_its_own_error():
    rows = [_row("a", 10.0, 8.0), _row("b", 20.0, 10.0), _row("c", 5.0, 6.0)]
    table = PastStudies(rows)
    found = table.predict("continued", {"headroom": 12.0})
    x, y = np.array([10.0, 20, 5]), np.array([8.0, 10, 6])
    assert found.gain == pytest.approx(12 * 0.75 * (x @ y) / (x @ x))
    errors = []
    for left in range(3):
        a, b = np.delete(x, left), np.delete(y, left)
        errors.append(y[left] - x[left] * (2 / 3) * (a @ b) / (a @ a))
    assert found.error == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert (found.studies, found.low, found.high, found.within) == (3, 6, 10, True)
    assert "by 3 past targets" in str(found)
    assert not table.predict("continued", {"headroom": 30.0}).within
    assert table.predict("continued", {"headroom": 0.0}).gain == 0


def test_seeds_of_a_target_are_left_out_together():
    rows = [_row("a", 10.0, 8.0), _row("a", 10.0, 9.0), _row("b", 10.0, 1.0)]
    found = PastStudies(rows).predict("continued", {"headroom": 10.0})
    b_from_a = 1 - (2 / 3) * 8.5
    a_from_b = [8 - 0.5, 9 - 0.5]
    of_a = np.mean(np.square(a_from_b))
    assert found.error == pytest.approx(np.sqrt((of_a + b_from_a**2) / 2))


def test_what_no_study_tried_is_not_predicted():
    table = PastStudies([_row("a", 10.0, 8.0)])
    assert table.predict("scratch", {"headroom": 1.0}) is None
    assert table.predict("continued", {}) is None
    assert table.without("a").predict("continued", {"headroom": 1.0}) is None
    one = table.predict("continued", {"headroom": 10.0})
    assert one.error is None and one.gain == pytest.approx(4.0)
    assert "no error known" in str(one)

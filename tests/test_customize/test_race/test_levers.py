"""What each lever brings."""

import pytest

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.customized import lever_table
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.customize.race.levers import LEVERS, levers
from mmtaskssl.customize.race.race import Rung
from mmtaskssl.customize.verdict.difference import Difference

FULL = {"continued": 200, "continued-random": 200, "scratch": 1000, "distilled": 1000}


def _rung(iters, *linear):
    judged = Judged({"knn": [0.0] * len(linear), "linear": linear}, [0] * len(linear))
    return Rung(iters, judged, True)


def _compare(arm, control):
    return Difference(control, 3.0, 1.0, 5.0, 0.01, 4, 1)


def _of(found, arm, without):
    return next(
        (one for one in found if (one["arm"], one["without"]) == (arm, without)), None
    )


def test_other_lengths_are_no_lever():
    """A time may cut one of two arms alone: they then differ in more."""
    rungs = {
        "generic": [_rung(500, 0, 100)],
        "scratch": [_rung(538, 100, 100)],
        "branched": [_rung(269, 100, 100)],
    }
    full = {"generic": 500, "scratch": 538, "branched": 269}
    found = levers(rungs, {}, full, False, True, _compare)
    assert _of(found, "scratch", "generic") is None
    assert _of(found, "branched", "generic") is not None  # longer in any case
    found = levers(rungs, {}, {**full, "scratch": 500}, False, True, _compare)
    assert _of(found, "scratch", "generic") is None  # judged at other shares
    alike = {**rungs, "scratch": [_rung(500, 100, 100)]}
    found = levers(alike, {}, {**full, "scratch": 500}, False, True, _compare)
    assert _of(found, "scratch", "generic")["folds"]["mean"] == 50


def test_arms_are_known_and_differ():
    assert {name for one in LEVERS for name in one[:2]} <= {*ARMS}
    assert len({one[:2] for one in LEVERS}) == len(LEVERS)


def test_folds_at_the_same_share_and_test():
    rungs = {
        "start": [_rung(0, 0, 0, 100, 100)],
        "continued": [_rung(100, 0, 100, 100, 100), _rung(200, 100, 100, 100, 100)],
        "scratch": [_rung(500, 0, 0, 0, 100)],
        "distilled": [_rung(500, 0, 0, 100, 100), _rung(1000, 0, 0, 0, 0)],
    }
    tested = {"start": [], "continued": [], "continued-random": []}
    found = levers(rungs, tested, FULL, True, True, _compare)
    whole = _of(found, "continued", "start")
    assert whole["folds"] == {
        "mean": 50.0,
        "error": pytest.approx(100 / 12**0.5),
        "share": 1.0,
    }
    assert whole["test"]["mean"] == 3.0 and whole["test"]["control"] == "start"
    chosen = _of(found, "continued", "continued-random")
    assert chosen["folds"] is None and chosen["test"]["low"] == 1.0
    teacher = _of(found, "distilled", "scratch")
    assert teacher["folds"]["mean"] == 25.0 and teacher["folds"]["share"] == 0.5
    assert teacher["test"] is None
    assert _of(found, "searched", "scratch") is None
    lines = lever_table(found)
    assert any("+25.0 ± 25.0 at 50%" in line for line in lines)
    assert any(line.endswith("+3.0 [+1.0, +5.0]") for line in lines)


def test_another_recipe_has_no_pair_with_a_teacher():
    rungs = {"scratch": [_rung(1000, 0, 100)], "distilled": [_rung(1000, 0, 0)]}
    assert len(levers(rungs, {}, FULL, True, True, _compare)) == 1
    assert levers(rungs, {}, FULL, True, False, _compare) == []


def test_lengths_that_do_not_meet():
    rungs = {"scratch": [_rung(250, 0, 100)], "distilled": [_rung(1000, 0, 0)]}
    assert levers(rungs, {}, FULL, False, True, _compare) == []


def test_a_taught_network_is_not_compared_with_an_untaught_one():
    rungs = {"searched": [_rung(1000, 0, 100)], "scratch": [_rung(1000, 0, 0)]}
    full = {**FULL, "searched": 1000}
    assert levers(rungs, {}, full, True, True, _compare) == []
    (found,) = levers(rungs, {}, full, False, True, _compare)
    assert found["arm"] == "searched" and found["folds"]["mean"] == 50.0

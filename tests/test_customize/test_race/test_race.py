"""Which arm a race ends with."""

from types import SimpleNamespace

import pytest

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.customize.race.race import Race

LENGTHS = {arm.name: arm.full for arm in ARMS.values()}


class Known(Race):
    """A race whose figures are known."""

    def judge_all(self, arms, lengths):
        """Returns eight images of each arm: so many that it gets right."""
        found = {}
        for arm in arms:
            right = self.case.right[arm.name]
            scores = [100.0] * right + [0.0] * (8 - right)
            found[arm.name] = Judged({"knn": scores, "linear": scores}, [0] * 8)
        return found


def _raced(primary, **right):
    names = [name.replace("_", "-") for name in right]
    case = SimpleNamespace(right=dict(zip(names, right.values(), strict=True)))
    race = Known(None, case, None, "cpu", 0, lambda line: None)
    return race.run([ARMS[name] for name in names], ARMS[primary], LENGTHS)


def test_the_best_is_chosen_and_the_control_where_it_is_as_good():
    found = _raced("generic", untrained=1, generic=2, branched=6, scratch=4)
    assert (found.chosen, found.candidate) == ("branched", "branched")
    found = _raced("generic", untrained=1, generic=4, branched=4, scratch=5)
    assert (found.chosen, found.candidate) == ("generic", "scratch")


@pytest.mark.parametrize("right", [5, 8])
def test_a_reference_is_compared_with_and_not_chosen(right):
    found = _raced(
        "generic", untrained=1, generic=2, generic_long=right, branched=6, scratch=4
    )
    assert (found.chosen, found.candidate) == ("branched", "branched")
    (rung,) = found.rungs["generic-long"]
    assert rung.judged.mean("linear") == 100 * right / 8


def test_the_worse_half_is_left_behind():
    found = _raced("start", start=3, continued=5, continued_target=8, distilled=2)
    assert [len(found.rungs[name]) for name in found.rungs] == [1, 2, 2, 1]
    assert [rung.iters for rung in found.rungs["continued"]] == [100, 200]
    assert not found.rungs["distilled"][0].kept
    assert found.candidate == "continued-target"

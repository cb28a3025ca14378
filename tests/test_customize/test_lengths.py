"""How long arms train, in a time for all budgets."""

import dataclasses
from types import SimpleNamespace

import pytest

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.diagnosis.step_cost import StepCost
from mmtaskssl.customize.lengths import Lengths
from mmtaskssl.customize.settings import Settings
from mmtaskssl.utils.errors import UserError

RACED = [ARMS[name] for name in ("untrained", "scratch", "slimmed")]


class Known(Lengths):
    """Steps that need not be measured: narrow networks are fast."""

    def costs(self, arms, case):
        seconds = {"4M-5M": 0.1, "10M-12M": 0.4}[case.budget]
        own = StepCost(seconds, 1.0, 1, 1, 128)
        taught = dataclasses.replace(own, seconds=0.5)
        named = dict.fromkeys(("scratch", "generic", "generic-long"), own)
        return {**named, "slimmed": taught}


def _cases():
    return [SimpleNamespace(budget=text) for text in ("4M-5M", "10M-12M")]


def _lengths(folder, lines=None, settings=None):
    log = (lambda line: None) if lines is None else lines.append
    return Known(settings or Settings(), SimpleNamespace(out=folder), log, 1)


def test_what_serves_all_budgets_has_one_length(tmp_path):
    lengths = _lengths(tmp_path)
    first, second = _cases()
    _, narrow = lengths.within(400, RACED, first, 1)
    _, wide = lengths.within(400, RACED, second, 1)
    assert narrow["slimmed"] == wide["slimmed"] < 1000
    # The first budget paid for it, the second has all its time for its own.
    _, alone = _lengths(tmp_path / "alone").within(400, RACED, second, 1)
    assert wide["scratch"] > alone["scratch"]


def test_others_wait_for_a_quarter_of_the_time_at_most(tmp_path):
    case, settings = _cases()[0], Settings(seconds=400)
    lengths = _lengths(tmp_path, settings=settings)
    assert lengths.first(case) == 990  # (400 / 4 - 1) / 0.1
    # Once it began, it keeps its length where a later time pays for no more.
    lines = []
    less = _lengths(tmp_path, lines, Settings(seconds=100))
    assert less.first(case) == 990 and "990 of 1,000" in lines[0]
    for more in (Settings(), Settings(seconds=800)):
        with pytest.raises(UserError, match="begun with less time"):
            _lengths(tmp_path, settings=more).first(case)
    assert _lengths(tmp_path / "other").first(case) == 1000
    arms, found = lengths.within(
        *(200, [ARMS["untrained"], ARMS["generic"], ARMS["scratch"]], case, 1)
    )
    assert [arm.name for arm in arms] == ["untrained", "generic", "scratch"]
    # The other half is for trainings on the chosen images, and on random ones.
    assert (found["generic"], found["scratch"]) == (990, 490)


def test_a_quarter_is_for_all_seeds_of_all_budgets(tmp_path):
    narrow, wide = _cases()
    settings = Settings(("4M-5M", "10M-12M"), seconds=400, seeds=2)
    lengths = _lengths(tmp_path, settings=settings)
    assert lengths.first(narrow) == 240  # (400 / 4 / 4 - 1) / 0.1
    assert lengths.first(wide) == 60  # of its own steps
    whole = [lengths.whole(case.budget) for case in (narrow, wide)]
    assert [one["generic"] for one in whole] == [240, 60]
    # Four times as long stays four times as long, or goes.
    assert [one["generic-long"] for one in whole] == [960, 240]
    arms = [ARMS[name] for name in ("untrained", "generic", "generic-long", "scratch")]
    lines = []
    again = _lengths(tmp_path / "b", lines, Settings(seconds=400))
    assert again.first(narrow) == 990
    left, found = again.within(400, arms, narrow, 1, "generic")
    assert [arm.name for arm in left] == ["untrained", "generic", "scratch"]
    assert lines[1].startswith("no generic-long") and found["generic"] == 990
    left, found = again.within(4000, arms, narrow, 1, "generic")
    assert left == arms and found["generic-long"] == 3960


def test_a_time_is_divided_once(tmp_path):
    first, second = _cases()
    lengths = _lengths(tmp_path)
    before = [lengths.within(400, RACED, case, 1) for case in (first, second)]
    lines = []
    again = _lengths(tmp_path, lines)
    after = [again.within(400, RACED, case, 3) for case in (first, second)]
    assert after == before and any("of their length" in line for line in lines)
    # Another time, another division.
    longer = _lengths(tmp_path).within(1e6, RACED, first, 1)
    assert longer == (RACED, again.whole("4M-5M"))

"""Which arm a race ends with."""

import statistics
from types import SimpleNamespace

import pytest

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.race import race as racing
from mmtaskssl.customize.race.judged import Judged
from mmtaskssl.customize.race.race import Race, Rung

LENGTHS = {arm.name: arm.full for arm in ARMS.values()}


class Known(Race):
    """A race whose figures are known."""

    def judge_all(self, arms, lengths):
        """Returns eight images of each arm: so many that it gets right."""
        found = {}
        for arm in arms:
            right, count = self.case.right[arm.name], self.case.images
            scores = [100.0] * right + [0.0] * (count - right)
            found[arm.name] = Judged({"knn": scores, "linear": scores}, [0] * count)
        return found


def _raced(primary, kind="classification", preferred="", images=8, **right):
    names = [name.replace("_", "-") for name in right]
    found = SimpleNamespace(kind=kind)
    right = dict(zip(names, right.values(), strict=True))
    case = SimpleNamespace(right=right, found=found)
    race = Known(None, case, None, "cpu", 0, lambda line: None)
    race.case.images = images
    arms = [ARMS[name] for name in names]
    return race.run(arms, ARMS[primary], LENGTHS, preferred)


def test_the_best_is_chosen_and_the_control_where_it_is_as_good():
    found = _raced("generic", untrained=1, generic=2, branched=6, scratch=4)
    assert (found.chosen, found.candidate, found.note) == ("branched", "branched", "")
    found = _raced("generic", untrained=1, generic=4, branched=4, scratch=5)
    assert (found.chosen, found.candidate) == ("generic", "scratch")
    assert found.note.startswith("scratch is 12.5 ± 12.5 points ahead of generic")
    assert "by more than a standard error" in found.note


@pytest.mark.parametrize("right", [5, 8])
def test_a_reference_is_compared_with_and_not_chosen(right):
    found = _raced(
        "generic", untrained=1, generic=2, generic_long=right, branched=6, scratch=4
    )
    assert (found.chosen, found.candidate) == ("branched", "branched")
    (rung,) = found.rungs["generic-long"]
    assert rung.judged.mean("linear") == 100 * right / 8


def test_a_proxy_that_tells_nothing_leaves_it_to_the_diagnosis():
    """Of crops all are right but a few: an untrained network is no candidate then."""
    right = {"start": 985, "norms": 989, "untrained": 993, "continued": 990}
    right |= {"continued_target": 988, "distilled": 986, "scratch": 987}
    given = {"kind": "detection", "images": 1000, **right}
    for preferred in ("continued-target", "distilled"):
        found = _raced("start", preferred=preferred, **given)
        assert "not by more than 1 point" in found.note
        assert (found.chosen, found.candidate) == (preferred, preferred)
    # Without one, the first that is trained.
    assert _raced("start", **given).candidate == "continued"
    # A lead that tells is heeded, of whichever.
    found = _raced("start", preferred="distilled", **{**given, "start": 999})
    assert found.chosen == "start"
    found = _raced("start", preferred="distilled", **{**given, "continued": 1000})
    assert found.candidate == "continued"
    # Of images themselves even a small one is.
    found = _raced("start", **{**given, "kind": "classification"})
    assert found.chosen == "untrained"


def test_the_worse_half_is_left_behind():
    found = _raced("start", start=3, continued=5, continued_target=8, distilled=2)
    assert [len(found.rungs[name]) for name in found.rungs] == [1, 2, 2, 1]
    assert [rung.iters for rung in found.rungs["continued"]] == [100, 200]
    assert not found.rungs["distilled"][0].kept
    assert found.candidate == "continued-target"


def test_the_log_says_what_the_tables_say(tmp_path, monkeypatch):
    # Folds of three images and one: 83.3 by folds, 75 by images.
    scores = [0.0, 100.0, 100.0, 100.0]
    found = Judged({"knn": scores, "linear": scores}, [0, 0, 0, 1])
    mean = statistics.fmean(Rung(0, found, True).to_dict()["inner"]["linear"])
    monkeypatch.setattr(racing, "open_runner", lambda *given, **options: None)
    monkeypatch.setattr(racing, "judge_folds", lambda runner, images: found)
    monkeypatch.setattr(Race, "network", lambda *given: None)
    case, lines = (
        SimpleNamespace(found=None, budget="", own=SimpleNamespace(side=8)),
        [],
    )
    runs = SimpleNamespace(judged=lambda training: training.judged)
    race = Race(tmp_path, case, runs, "cpu", 0, lines.append)
    assert race.judge(ARMS["untrained"], 0).mean("linear") == mean
    assert lines == [
        f"untrained-0i-seed0, folds of train: knn {mean:.1f}, linear {mean:.1f}"
    ]
    assert f"{mean:.1f}" == "83.3"

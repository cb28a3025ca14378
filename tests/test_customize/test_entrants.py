"""Which arms are raced."""

import dataclasses
from types import SimpleNamespace

import pytest

from mmtaskssl.customize.arms.arm import Case
from mmtaskssl.customize.arms.known import ARMS, RANDOM_OF
from mmtaskssl.customize.arms.names import NAMES
from mmtaskssl.customize.entrants import entrants
from mmtaskssl.customize.fit.own import CONFIG
from mmtaskssl.customize.settings import Settings
from mmtaskssl.customize.starts import Start
from mmtaskssl.utils.errors import UserError

_USUAL = ["untrained", "generic", "scratch"]


def _entrants(arms, beside=(), recommended="", time="2h"):
    settings = Settings.read(
        *(None, (), None, None, 1.0, time, 1, 0, arms, None),
    )
    own, lines = SimpleNamespace(config=CONFIG), []
    found = SimpleNamespace(train=range(1000))
    case = Case(found, own, None, None, {}, {"pool": 100}, "18M-21M", ("s40-w16",))
    raced = entrants(settings, beside, case, lines.append, recommended)
    return [arm.name for arm in raced], lines


def test_usual_arms_and_those_on_demand():
    names, lines = _entrants(None)
    assert names == _USUAL
    (line,) = (one for one in lines if "the diagnosis does not ask for" in one)
    assert "generic-long" in line and line.endswith("; `arms` would")
    assert _entrants(["auto"])[0] == _USUAL
    assert _entrants(None, beside=["searched"])[0] == [*_USUAL, "searched"]


def test_without_a_start_and_a_time_the_longest_training_is_usual():
    settings = Settings.read(None, (), None, None, 1.0, None, 1, 0, None, None)
    longest = ("generic-long", "branched-long")
    assert all(map(settings.asks_for, longest)) and not settings.asks_for("searched")
    assert _entrants(None, time=None)[0] == [
        *("untrained", "generic", "generic-long", "scratch")
    ]
    named = dataclasses.replace(settings, arms=["generic", "scratch"])
    start = dataclasses.replace(settings, starts=[Start.untrained("timm:test_vit")])
    timed = dataclasses.replace(settings, seconds=7200.0)
    for other in (named, start, timed):
        assert not any(map(other.asks_for, longest))


def test_a_name_beside_the_usual_ones():
    assert _entrants(["auto", "generic-long"])[0] == [
        *("untrained", "generic", "generic-long", "scratch")
    ]


def test_names_that_are_offered_are_all():
    assert {*NAMES} == {*ARMS} - {*RANDOM_OF.values()}


def test_what_is_recommended_and_left_out_is_said():
    said = "note: the diagnosis recommends branched, and it is not raced"
    assert said in _entrants(["generic", "scratch"], recommended="branched")[1]
    assert said not in _entrants(["generic", "branched"], recommended="scratch")[1]
    lines = _entrants(["generic", "scratch"], recommended="scratch-random")[1]
    assert "is trained beside it where scratch is chosen" in lines[-1]
    lines = _entrants(["generic", "scratch"], recommended="scratch")[1]
    assert not any("recommends" in line for line in lines)


def test_names_alone():
    names, lines = _entrants(["generic", "scratch"])
    assert names == ["generic", "scratch"]
    assert any("untrained" in one and "not asked for" in one for one in lines)
    # The diagnosis adds nothing to what was named.
    assert _entrants(["generic", "scratch"], ["searched"])[0] == names
    with pytest.raises(
        UserError, match="`arms` name nothing to compare with: add one of"
    ):
        _entrants(["scratch"])
    # A control that no verdict can be against.
    with pytest.raises(
        UserError, match="add one of start, generic, untrained, or auto"
    ):
        _entrants(["generic-long", "scratch"])
    with pytest.raises(UserError, match="none of start, generic, untrained that says"):
        _entrants(["start", "scratch"])  # no start was given
    with pytest.raises(UserError, match="must be one of auto, "):
        _entrants(["usual"])


def test_a_control_on_random_images_is_its_arm_on_others():
    for name, control in RANDOM_OF.items():
        arm, random = ARMS[name], ARMS[control]
        assert random.control and random.images == "random" and not arm.control
        assert random.full == arm.full and isinstance(arm, type(random).__mro__[1])

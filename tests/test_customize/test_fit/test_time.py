"""What a time pays for."""

from mmtaskssl.customize.arms.known import ARMS
from mmtaskssl.customize.diagnosis.step_cost import StepCost
from mmtaskssl.customize.fit.time import fitted, runs_of

LENGTHS = {arm.name: arm.full for arm in ARMS.values() if arm.full}
RACED = [ARMS[n] for n in ("start", "continued", "distilled", "scratch")]
COSTS = {
    name: StepCost(1.0, 10.0, 1, 1, 64)
    for name in ("continued", "distilled", "scratch")
}


def _seconds(arms, lengths, seeds=1):
    return sum(10 + iters for _, iters in runs_of(arms, lengths, seeds))


def test_the_trainings_of_a_race():
    assert runs_of(RACED, LENGTHS, 1) == [
        ("continued", 100),
        ("distilled", 500),
        ("scratch", 500),
        ("distilled", 1000),
        ("scratch", 1000),
        ("distilled-random", 1000),  # of the first one that is left
    ]
    # Two arms go on as they are, and the first of them is what seeds repeat.
    assert runs_of([ARMS["continued"]], LENGTHS, 2) == [
        ("continued", 200),
        ("continued", 200),
        ("continued-random", 200),
        ("continued-random", 200),
    ]
    assert runs_of([ARMS["start"]], LENGTHS, 3) == []


def test_enough_time_changes_nothing():
    arms, lengths, said = fitted(RACED, COSTS, LENGTHS, 1, 1e6, 1)
    assert (arms, lengths, said) == (RACED, LENGTHS, [])


def test_trainings_are_cut_alike_then_arms_left_out():
    whole = _seconds(RACED, LENGTHS)
    arms, lengths, said = fitted(RACED, COSTS, LENGTHS, 1, whole / 2, 1)
    assert arms == RACED and "of their length" in said[0]
    assert _seconds(arms, lengths) <= whole / 2
    assert abs(lengths["continued"] / 200 - lengths["scratch"] / 1000) < 0.01
    # Side by side twice as much fits.
    assert fitted(RACED, COSTS, LENGTHS, 1, whole / 2, 2)[1] == LENGTHS
    arms, lengths, said = fitted(RACED, COSTS, LENGTHS, 1, whole / 6, 1)
    assert [arm.name for arm in arms] == ["start", "continued", "distilled"]
    assert said[0].startswith("no scratch")
    assert _seconds(arms, lengths) <= whole / 6


def test_what_has_its_length_already_is_not_cut():
    arms = [ARMS["untrained"], ARMS["generic"], ARMS["scratch"]]
    costs, lengths = {**COSTS, "generic": COSTS["scratch"]}, {**LENGTHS, "generic": 600}
    # All begin in 10 s; one of two seconds remains for each other step.
    found, cut, _ = fitted(arms, costs, lengths, 1, 30 + 600 + 1000, 1, ["generic"])
    assert found == arms and (cut["generic"], cut["scratch"]) == (600, 500)
    # Where it leaves no time, the others go, and it stays.
    found, cut, said = fitted(arms, costs, lengths, 1, 620, 1, ["generic"])
    assert [arm.name for arm in found] == ["untrained", "generic"]
    assert cut["generic"] == 600 and said[0].startswith("no scratch")


def test_the_primary_control_stays():
    arms = [ARMS["generic"], ARMS["distilled"]]
    costs = {**COSTS, "generic": COSTS["scratch"]}
    left, _, _ = fitted(arms, costs, LENGTHS, 1, 1, 1, primary="generic")
    assert [arm.name for arm in left] == ["generic"]


def test_no_time_leaves_what_does_not_train():
    arms, _, said = fitted(RACED, COSTS, LENGTHS, 1, 5, 1)
    assert [arm.name for arm in arms] == ["start"] and len(said) == 3


def test_what_is_trained_already_takes_no_time():
    costs = {name: StepCost(0, 0, 1, 1, 64) for name in COSTS}
    assert fitted(RACED, costs, LENGTHS, 1, 1, 1) == (RACED, LENGTHS, [])


def test_what_begins_with_the_long_training_goes_with_it_and_gives_its_time():
    names = ["untrained", "generic", "generic-long", "scratch", "branched-long"]
    arms, fixed = [ARMS[n] for n in names], ["generic", "generic-long"]
    costs = dict.fromkeys(names, COSTS["scratch"])
    # Enough for the others at their whole length, without the long training.
    kept = [ARMS[n] for n in ("untrained", "generic", "scratch")]
    enough = _seconds(kept, LENGTHS)
    left, lengths, said = fitted(arms, costs, LENGTHS, 1, enough, 1, fixed)
    assert left == kept and lengths == LENGTHS
    assert [one.split(":")[0] for one in said] == [
        "no generic-long",
        "no branched-long",
    ]

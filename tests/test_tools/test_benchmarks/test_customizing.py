"""What is read off the records of customizations."""

from types import SimpleNamespace

from studies.customizing import policies, regret


def _arm(name, *rungs):
    return {"name": name, "rungs": [{"inner": {"linear": list(r)}} for r in rungs]}


def test_regret_is_behind_the_best_at_the_end():
    arms = [
        _arm("start", [50.0, 52.0]),
        _arm("continued", [40.0, 42.0], [60.0, 64.0]),
        {"name": "continued-random", "rungs": []},
    ]
    assert regret(arms, "start") == 11
    assert regret(arms, "continued") == 0
    # What was not raced has no regret that anybody knows.
    assert regret(arms, "scratch") is None
    assert regret(arms, "continued-random") is None


def test_policies_are_judged_where_they_were_raced():
    first = [_arm("start", [50.0]), _arm("continued", [60.0])]
    second = [_arm("start", [50.0]), _arm("continued", [46.0]), _arm("norms", [49.0])]
    found = {
        "a": (SimpleNamespace(arms=first), "continued"),
        "b": (SimpleNamespace(arms=second), "start"),
    }
    lines = policies(found)[2:]
    assert lines == [
        "| the diagnosis | 0.0 | 2 of 2 |",
        "| always start | 5.0 | 2 of 2 |",
        "| always continued | 2.0 | 2 of 2 |",
        "| always norms | 1.0 | 1 of 2 |",
    ]

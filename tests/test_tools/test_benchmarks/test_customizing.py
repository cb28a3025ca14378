"""What is read off the records of customizations."""

from studies.customizing import regret


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

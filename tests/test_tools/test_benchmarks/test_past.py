"""What studies have left becomes rows of one table."""

import pytest

from studies.past import gains_of_starts, rows_of_record


def _figures(linear):
    return {"test": {"knn": 0.0, "linear": linear}, "inner": {}}


def test_gains_are_of_the_seeds_that_all_arms_have():
    found = gains_of_starts(
        {
            "seed0/results/40px-public-a.json": _figures(50.0),
            "seed0/results/40px-public-high-a.json": _figures(99.0),
            "seed0/results/40px-selfres-sept-a.json": _figures(60.0),
            "seed0/results/40px-selfres-random-a.json": _figures(54.0),
            "seed1/results/40px-selfres-sept-a.json": _figures(62.0),
            "seed1/results/40px-selfres-random-a.json": _figures(52.0),
            "seed2/results/40px-selfres-sept-a.json": _figures(99.0),
            "seed0/results/64px-public-a.json": _figures(70.0),
            "seed0/results/40px-public-b.json": _figures(70.0),
        }
    )
    assert found == {(40, "a"): (2, {"continued": 11.0, "continued-random": 3.0})}


def _arm(name, budget, *linear):
    test = {"knn": [0.0], "linear": [*linear]} if linear else None
    return {"name": name, "budget": budget, "side": 40, "test": test}


def test_a_record_has_a_row_for_each_budget():
    sides = [{"side": s, "mean": {"linear": v}} for s, v in ((40, 50.0), (80, 62.5))]
    said = {
        "starts": [{"name": "timm:x", "sides": sides}],
        "recommendation": {"start": "timm:x"},
        "likeness": {"closest": 1.25},
    }
    arms = [
        _arm("start", "1M-2M", 60.0),
        _arm("continued", "1M-2M", 66.0, 68.0),
        _arm("scratch", "1M-2M"),
        _arm("start-norms", "1M-2M", 1.0),
        _arm("start", "2M-3M", 60.0),
    ]
    target = {"train": {"root": "/data/cups/train"}}
    (row,) = rows_of_record(
        {
            "budgets": ["1M-2M", "2M-3M"],
            "diagnosis": said,
            "arms": arms,
            "inputs": {"target": target},
        }
    )
    assert (row.target, row.start, row.side, row.seeds) == ("cups", "timm:x", 40, 2)
    assert row.gains == {"continued": pytest.approx(7.0)}
    assert row.before == {"linear": 50.0, "headroom": 12.5, "closeness": 1.25}

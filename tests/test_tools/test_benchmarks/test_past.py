"""What studies have left becomes rows of one table."""

import json

from mmtaskssl.customize.diagnosis.past_studies import shipped
from studies.past import gains_of_starts, rows_of_customizing


def test_the_shipped_table_has_the_figures_of_customizations(repo_root):
    results = repo_root / "tools" / "benchmarks" / "results"
    found = [
        row
        for name in ("customize.json", "customize_long.json")
        for row in rows_of_customizing(json.loads((results / name).read_text("utf-8")))
    ]
    assert [row for row in shipped().rows if row.study == "customize"] == found


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


def _customized(given, *arms):
    before = {"linear": 50.0, "headroom": 12.5, "lead": 20.0}
    start = "timm:x" if given == "start" else "untrained"
    return {
        "kind": "classification",
        "diagnosis": {"given": given, "start": start, "side": 40, "before": before},
        "arms": [{"name": name, "folds": folds} for name, folds in arms],
    }


def test_a_customization_is_a_row_of_all_arms_that_were_judged():
    arms = ("start", 60.0), ("continued", 66.0), ("scratch", 48.0), ("norms", 40.0)
    found = {
        "seed0/results/cups-start.json": _customized(
            "start", *arms, ("continued-random", None)
        ),
        "seed1/results/cups-start.json": _customized("start", ("start", 1.0)),
        "seed0/results/cups-none.json": _customized(
            "nothing", ("untrained", 30.0), ("generic", 36.0), ("generic-long", 40.0)
        ),
        "seed0/results/cells-start.json": {"kind": "detection"},
        "seed0/results/mugs-start.json": _customized("start", ("continued", 66.0)),
    }
    without, begun = rows_of_customizing(found)
    assert (begun.target, begun.start, begun.side) == ("cups", "timm:x", 40)
    assert begun.gains == {"continued": 6.0, "scratch": -12.0}
    assert begun.before == {"linear": 50.0, "headroom": 12.5, "lead": 20.0}
    assert (without.start, without.gains) == ("untrained", {"generic": 6.0})

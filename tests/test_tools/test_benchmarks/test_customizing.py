"""What is read off the records of customizations."""

import argparse
import json

from studies.customizing import Customizing, policies, regret


def _arm(name, folds, test=None):
    return {"name": name, "folds": folds, "test": test, "macs": 20_000_000}


def _found(said, *arms, mean=2.0):
    gap = {"control": "start", "mean": mean, "low": 1.0, "high": 3.0, "p": 0.01}
    return {
        "seeds": 1,
        "said": said,
        "verdict": {
            "candidate": "continued",
            "primary": "start",
            "outcome": "better",
            "recommended": "continued",
            "metric": "linear top-1",
            "differences": [{**gap, "images": 100, "seeds": 1}],
        },
        "arms": arms,
        "compute": {"total_seconds": 120, "training_gmacs": 1500},
    }


def test_regret_is_behind_the_best_at_the_end():
    arms = [_arm("start", 51.0), _arm("continued", 62.0), _arm("random", None)]
    assert regret(arms, "start") == 11
    assert regret(arms, "continued") == 0
    # What was not raced has no regret that anybody knows.
    assert regret(arms, "scratch") is None
    assert regret(arms, "random") is None


def test_policies_are_judged_where_they_were_raced():
    found = {
        "a": _found("continued", _arm("start", 50.0), _arm("continued", 60.0)),
        "b": _found(
            *("start", _arm("start", 50.0), _arm("continued", 46.0)),
            _arm("norms", 49.0),
        ),
    }
    lines = policies(found)[2:]
    assert lines == [
        "| the diagnosis | 0.0 | 2 of 2 |",
        "| always start | 5.0 | 2 of 2 |",
        "| always continued | 2.0 | 2 of 2 |",
        "| always norms | 1.0 | 1 of 2 |",
    ]


def test_tables_are_made_from_figures(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / "classification" / name).mkdir(parents=True)
    args = argparse.Namespace(
        **{"data": tmp_path / "data", "work_dir": tmp_path / "out", "seeds": 1},
        **{"start": "timm:x=file", "budget": "1M-2M", "more": None, "void": ["b=11"]},
        **{"targets": None, "with_start_only": False},
    )
    study = Customizing(args)
    assert study.tables() == "\n" and study.void == {"b": "11"}
    arms = _arm("start", 50.0, {"linear": [48.0]}), _arm("continued", 60.0)
    for name, mean in (("a", 2.0), ("b", 5.0)):
        file = study.result("start", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(_found("start", *arms, mean=mean)))
    text = study.tables()
    assert "Budget 1M-2M, with timm:x\n" in text and "without a start" not in text
    assert (
        "| a | continued | start | +2.0 [+1.0, +3.0] | linear top-1 | better | "
        "continued | start | 10.0 | 2 | 1.5 |" in text
    )
    assert "| mean |  |  | +3.5 |  |  |  |  | 10.0 |  |  |" in text
    assert "| b | 50.0 / 48.0 | 60.0 |" in text
    # What is there is not run again.
    study._customize("start", ["timm:x=file"], "classification", "a")

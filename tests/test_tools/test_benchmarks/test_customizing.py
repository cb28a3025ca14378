"""What is read off the records of customizations."""

import argparse
import json
from types import SimpleNamespace

from studies import customizing
from studies.customizing import Customizing, policies, regret


def _arm(name, folds, test=None):
    return {"name": name, "folds": folds, "test": test, "macs": 20_000_000}


def _found(said, *arms, mean=2.0):
    gap = {"control": "start", "mean": mean, "low": 1.0, "high": 3.0, "p": 0.01}
    return {
        "seeds": 1,
        "kind": "classification",
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
    study._customize("start", ("classification", "a"))
    assert "| start | +3.5 [-15.6, +22.6] | 2 | - |" in text


def test_one_command_without_a_start(tmp_path, monkeypatch):
    for task, name in (("classification", "a"), ("classification", "b"),
                       ("segmentation", "c")):  # fmt: skip
        (tmp_path / "data" / task / name).mkdir(parents=True)
    args = argparse.Namespace(
        **{"data": tmp_path / "data", "work_dir": tmp_path / "out", "seeds": 3},
        **{"start": "timm:x=file", "budget": "1M-2M", "more": None, "void": ["c=11"]},
        **{"targets": None, "with_start_only": False},
    )
    study, calls = Customizing(args), []
    study.steps = SimpleNamespace(
        run=lambda name, done, *line: calls.append([name, *map(str, line)]), seconds={}
    )
    study.keep = lambda file, figures: None
    monkeypatch.setattr(customizing, "figures_of", lambda *_: {})
    for cell in study.cells():
        cell()
    assert [call[0] for call in calls] == [
        *(f"customize {name} start" for name in "abc"),
        *("customize a b none", "customize c none"),
    ]
    both, dense = calls[3], calls[4]
    assert both[both.index("--out") + 1] == str(tmp_path / "out" / "none")
    assert both[both.index("--seeds") + 1] == "3" and "--start" not in both
    assert "generic-long" in both[both.index("--arms") :]
    assert dense[dense.index("--seeds") + 1] == "1"
    assert dense[dense.index("--void") + 1] == "11" and "--void" not in both
    assert dense[dense.index("--out") + 1] == str(tmp_path / "out" / "none" / "c")

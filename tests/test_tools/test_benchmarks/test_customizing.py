"""What is read off the records of customizations."""

import argparse
import json
from types import SimpleNamespace

import pytest

from mmtaskssl.customize.verdict.difference import Difference
from studies import customized_tables, customizing
from studies.customized_tables import across, over_seeds, policies, regret, verdicts
from studies.customizing import Customizing


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """What studies the diagnosis was asked with; it says what figures give it."""
    asked = []

    def choose(given, before, is_pool_of_use, studies):
        asked.append({row.target for row in studies.rows})
        return SimpleNamespace(lever=given)

    monkeypatch.setattr(customized_tables, "choose", choose)
    return asked


def _arm(name, folds, test=None):
    return {"name": name, "folds": folds, "test": test, "macs": 20_000_000}


def _found(said, *arms, mean=2.0):
    gap = {"control": "start", "mean": mean, "low": 1.0, "high": 3.0, "p": 0.01}
    return {
        "kind": "classification",
        "diagnosis": {"given": said, "before": {}, "use": "alike"},
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
    arms = [
        _arm("start", 51.0),
        _arm("continued", 62.0),
        _arm("continued-random", None),
    ]
    arms.append(_arm("generic-long", 99.0))
    assert regret(arms, "start") == 11
    assert regret(arms, "continued") == 0
    # What was not raced has no regret that anybody knows.
    assert regret(arms, "scratch") is None
    assert regret(arms, "continued-random") is None


def test_policies_are_judged_where_they_were_raced():
    found = {
        "a": [_found("continued", _arm("start", 50.0), _arm("continued", 60.0))],
        "b": [
            _found(
                *("start", _arm("start", 50.0), _arm("continued", 46.0)),
                _arm("norms", 49.0),
            )
        ],
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
        "| a | 1 | continued | start | +2.0 [+1.0, +3.0] | linear top-1 | better | "
        "continued | start | 10.0 | 2 | 1.5 |" in text
    )
    assert "| mean |  |  |  | +3.5 |  |  |  |  | 10.0 |  |  |" in text
    assert "| b | 50.0 / 48.0 | 60.0 |" in text
    # What is there is not run again.
    study._customize("start", 0, ("classification", "a"))
    assert "| start | +3.5 [-15.6, +22.6] | 2 | - |" in text


def _study(tmp_path, monkeypatch, seeds):
    """Returns a study of four targets, and the command lines that it would run."""
    for task, name in (("classification", "a"), ("classification", "b"),
                       ("segmentation", "c")):  # fmt: skip
        (tmp_path / "data" / task / name).mkdir(parents=True)
    args = argparse.Namespace(
        **{"data": tmp_path / "data", "work_dir": tmp_path / "out", "seeds": seeds},
        **{"start": "timm:x=file", "budget": "1M-2M", "more": None, "void": ["c=11"]},
        **{"targets": None, "with_start_only": False},
    )
    study, calls, done = Customizing(args), [], set()

    def run(name, is_done, *line):
        calls.append([name, *map(str, line)])
        place = study.out / line[line.index("--out") + 1]
        names = [one.name for one in line if study.data in getattr(one, "parents", ())]
        names.remove("images")  # of the pool
        done.update({place / one for one in names} if len(names) > 1 else {place})
        assert is_done()

    study.steps = SimpleNamespace(run=run, seconds={})
    monkeypatch.setattr(customizing, "_finished", lambda folder: folder in done)
    monkeypatch.setattr(
        customizing,
        "figures_of",
        lambda folder: _found("start", _arm("start", 50.0), _arm("norms", 60.0)),
    )
    return study, calls, done


def test_one_command_for_all_classifications_and_one_a_dense_target(
    tmp_path, monkeypatch
):
    study, calls, _ = _study(tmp_path, monkeypatch, seeds=2)
    for cell in study.cells():
        cell()
    assert [call[0] for call in calls] == [
        *("customize a b start seed 0", "customize a b none seed 0"),
        *("customize a b start seed 1", "customize a b none seed 1"),
        *("customize c start seed 0", "customize c none seed 0"),
    ]
    first, both, again, dense = (calls[i] for i in (2, 1, 3, 5))
    out = tmp_path / "out"
    assert both[both.index("--out") + 1] == str(out / "seed0" / "none")
    assert both[both.index("--seed") + 1] == "0" and "--start" not in both
    assert "generic-long" in both[both.index("--arms") :]
    assert dense[dense.index("--void") + 1] == "11" and "--void" not in both
    assert dense[dense.index("--out") + 1] == str(out / "seed0" / "none" / "c")
    # Another seed trains what the first one decided for, and its controls.
    arms = first[first.index("--arms") + 1 : first.index("--workers")]
    assert arms == ["start", "norms", "untrained", "continued"]
    assert again[again.index("--seed") + 1] == "1"
    assert again[again.index("--out") + 1] == str(out / "seed1" / "none")
    # All is there: nothing is run again.
    calls.clear()
    for cell in study.cells():
        cell()
    assert not calls


def test_a_killed_command_goes_on_with_what_its_targets_share(tmp_path, monkeypatch):
    study, calls, done = _study(tmp_path, monkeypatch, seeds=1)
    done.add(study.folder("start", "a"))
    targets = ("classification", "a"), ("classification", "b")
    study._customize("start", 0, *targets)
    assert study.result("start", "a").exists() and study.result("start", "b").exists()
    assert [call[0] for call in calls] == ["customize a b start seed 0"]
    # Of figures that come from a file there is no folder, and no need of one.
    study.result("none", "a").write_text(json.dumps({}))
    study._customize("none", 0, *targets)
    assert calls[-1][0] == "customize b none seed 0"
    assert calls[-1][calls[-1].index("--out") + 1] == str(study.folder("none", "b"))


def test_seeds_widen_what_images_leave_open():
    def gap(mean, wide):
        return Difference("start", mean, mean - wide, mean + wide, 0.01, 500, 1)

    assert over_seeds([gap(3.0, 1.0)]) == gap(3.0, 1.0)
    # Seeds that agree leave the error of the images, which they share.
    same = over_seeds([gap(3.0, 1.0)] * 3)
    assert (same.mean, same.seeds, same.scope) == (3.0, 3, "the method")
    assert same.high - 3.0 == pytest.approx(1.0, rel=0.01)
    apart = over_seeds([gap(1.0, 1.0), gap(3.0, 1.0), gap(5.0, 1.0)])
    assert apart.mean == 3.0 and apart.low < 0 < same.low and apart.p > 0.05 > same.p
    none = over_seeds([gap(3.0, 0.0)] * 2)
    assert (none.low, none.high) == (3.0, 3.0)


def test_a_line_has_all_seeds():
    one = _found("start", _arm("start", 50.0), _arm("continued", 60.0), mean=1.0)
    two = _found("continued", _arm("start", 50.0), _arm("continued", 48.0), mean=3.0)
    line = verdicts({"a": [one, two]})[2]
    assert line.startswith("| a | 2 | continued | start | +2.0 [")
    assert "| start | 10.0 | 4 | 3.0 |" in line  # a race is one seed's


def test_candidates_are_set_against_generic_pre_training():
    ours = [_arm("continued", 60.0, {"linear": [v]}) for v in (70.0, 72.0)]
    with_start = {
        "a": [_found("start", one) for one in ours],
        "b": [_found("start", _arm("continued", 50.0, {"linear": [55.0]}))],
        "c": [_found("start", _arm("continued", 50.0, {"linear": [55.0]}))],
    }
    long = _arm("generic-long", 40.0, {"linear": [50.0]})
    without = {name: [_found("none", long)] for name in "ab"}
    lines = across(with_start, without, "generic-long")
    assert "| a | 71.0 | 50.0 | +21.0 | 2, 1 |" in lines
    assert not any(line.startswith("| c") for line in lines)
    # Student's t of 21 and 5.
    assert lines[-1].startswith("| mean |  |  | +13.0 [-88.6, +114.6]")


def test_the_diagnosis_does_not_know_the_target(asked):
    found = [_found("start", _arm("start", 50.0))]
    verdicts({"dtd10": found, "mugs": found})
    assert "dtd10" not in asked[0] and {"dtd10", "cifar10"} <= asked[1]

"""The evidence of specialists: its tables, and that a seed runs with the product."""

import json

import pytest

from studies.pool_study import Place
from studies.specialists import SpecialistStudy


@pytest.fixture
def study(tmp_path):
    (tmp_path / "data" / "pool" / "images").mkdir(parents=True)
    for name in "ab":
        (tmp_path / "data" / "classification" / name).mkdir(parents=True)
    place = Place(tmp_path / "data", tmp_path / "out", ["a", "b"], 2)
    return SpecialistStudy(place, "w.pth", clusters=4, budget=10)


def _write(study, seed, arm, target, test):
    file = study.result(seed, 40, arm, target)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"test": {"knn": test - 5, "linear": test}}))


def _home(study, seed, target, diffuse=False):
    file = study.seed_folder(seed, "results", f"home-{target}.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    found = {"leaves": [2, 0], "spread": 1.9, "images": 1234, "own": 93.4}
    file.write_text(json.dumps({**found, "is_diffuse": diffuse}))


def test_tables_pair_the_specialist_with_the_others(study):
    for seed in range(2):
        for target, generic in (("a", 50.0), ("b", 60.0)):
            _home(study, seed, target, diffuse=target == "b")
            _write(study, seed, "generic", target, generic + seed)
            _write(study, seed, "sept", target, generic + 4 + seed)
        # b lies everywhere: it is served by the generic network.
        _write(study, seed, "specialist", "a", 56.0 + 3 * seed)
    lines = study.tables().splitlines()
    assert "| a | 0 | 2 | 1.9 | 1,234 | 93 % | - |" in lines
    start = lines.index("linear top-1 (%)")
    (mean,) = [line for line in lines[start:] if line.startswith("| mean")]
    # By seed 58.0 and 60.0, 55.0 and 56.0, 59.0 and 60.0.
    assert "| 55.5 ± 0.7 | - | - | 59.0 ± 1.4 |" in mean and "| 59.5 ± 0.7 |" in mean
    gains = [line for line in lines[start:] if line.startswith("- ")]
    # a: 6 and 8, b: 0 and 0.
    assert gains[0].startswith("- generic, all images: +3.5 ± 0.7")
    assert any(line.startswith("- SEPT K: -0.5 ± 0.7") for line in gains)


def test_tables_show_what_is_left_without_the_target_that_gains_most(study):
    study.targets = ["a", "signdigits"]
    for target, gain in (("a", 2.0), ("signdigits", 10.0)):
        _write(study, 0, "generic", target, 50.0)
        _write(study, 0, "specialist", target, 50.0 + gain)
        _write(study, 0, "long", target, 51.0)
        _write(study, 0, "random", target, 49.0)
    lines = study.tables().splitlines()
    all_of_them = lines.index("specialist, minus the other:")
    rest = lines.index("specialist, minus the other (without signdigits):")
    for first, generic, long, drawn in ((all_of_them, 6, 5, 7), (rest, 2, 1, 3)):
        assert lines[first + 1] == f"- generic, all images: +{generic}.0"
        assert lines[first + 2] == (
            f"- generic, as long as all trainings together: +{long}.0"
        )
        assert lines[first + 3] == f"- on as many random images: +{drawn}.0"


def test_controls_have_three_seeds_however_many_the_specialists_have(study):
    study.seeds = 5
    seeds = {}
    for cell in study.cells():
        if len(cell.args) and isinstance(cell.args[0], int):
            seeds.setdefault(cell.func.__name__, set()).add(cell.args[0])
    for name in ("_free", "_specialist", "_routed"):
        assert seeds[name] == {0, 1, 2, 3, 4}
    for name in ("_soft", "_longer", "_sept", "_random"):
        assert seeds[name] == {0, 1, 2}


def test_a_folder_is_of_some_settings(study):
    from mmtaskssl.utils.errors import UserError

    next(iter(study.cells()))
    other = SpecialistStudy(Place(study.data, study.out, ["a"], 1), "w.pth", clusters=8)
    with pytest.raises(UserError, match="name another --work-dir"):
        next(iter(other.cells()))

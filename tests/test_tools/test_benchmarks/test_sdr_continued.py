"""Rules and tables of the evidence of paths that begin in a trained network."""

import json

import pytest

from studies.pool_study import Place
from studies.sdr_continued import SdrContinued
from studies.sdr_continued_measure import SOFT, _chosen
from tests.test_tools._tools import failure_of, load_tool

TOOL = "benchmarks/routed_evidence"
MAX, A, B = "max", "a", "b"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "pool" / "images").mkdir(parents=True)
    for name in ("signdigits", "dogs"):
        (tmp_path / "classification" / name).mkdir(parents=True)
    return tmp_path


def make_study(data):
    place = Place(data, data / "out", ["signdigits", "dogs"], 2)
    return SdrContinued(place, load_tool(TOOL).CONFIG, 300, 1000, 0.3)


def test_a_path_has_to_be_better_by_more_than_a_standard_error():
    rows = {
        MAX: {"folds": [50.0, 52.0, 48.0]},
        A: {"folds": [51.0, 53.0, 49.0]},
        SOFT: {"folds": [99.0, 99.0, 99.0]},  # no path: it is not chosen
    }
    assert _chosen(rows, MAX) == {"best": A, "one-se": MAX}
    rows[A]["folds"] = [61.0, 63.0, 59.0]
    assert _chosen(rows, MAX) == {"best": A, "one-se": A}
    rows[A]["folds"] = rows[MAX]["folds"]
    assert _chosen(rows, MAX) == {"best": MAX, "one-se": MAX}


def test_as_many_macs_are_counted_without_a_phase_of_max(data):
    study = make_study(data)
    # .878 and .810 of MAX's MACs a path, plus a third of a step for the teacher.
    factor = 1 + 0.3 * (0.878 + 1 / 3) + 0.7 * (0.81 + 1 / 3)
    assert study.longer == pytest.approx(300 * factor / 1, abs=1)


def run(base, path, soft, chosen):
    rows = {
        MAX: {"folds": [], "knn": base, "linear": base},
        A: {"folds": [], "knn": path, "linear": path},
        B: {"folds": [], "knn": path - 4, "linear": path - 4},
        SOFT: {"folds": [], "knn": soft, "linear": soft},
    }
    each = {"best": A, "one-se": chosen}
    names = ("signdigits", "dogs")
    return {
        "max": MAX,
        "drawn": [A, B],
        "targets": dict.fromkeys(names, rows),
        "chosen": dict.fromkeys(names, each),
    }


def test_tables_compare_pairs_with_and_without_one_target(data):
    study = make_study(data)
    for seed in range(2):
        folder = data / "out" / f"seed{seed}" / "results"
        folder.mkdir(parents=True)
        paths = run(50, 60 + 2 * seed, 55, MAX)
        paths["targets"]["dogs"] = run(50, 40, 45, MAX)["targets"]["dogs"]
        (folder / "routed.json").write_text(json.dumps(paths))
        whole = {**paths, "targets": run(52, 0, 0, MAX)["targets"]}
        (folder / "longer.json").write_text(json.dumps(whole))
    text = study.tables()
    all_of_them, rest = text.split("knn, routed minus the other (without signdigits):")
    ours = all_of_them.split("knn, routed minus the other:")[1]
    assert "- MAX, as many MACs: -1.5 ± 0.7" in ours
    assert "- a random path: +2.0 ± 0.0" in ours
    assert "- routed, MAX within a standard error: +0.5 ± 0.7" in ours
    assert "- paths mixed by the target's clusters: +0.5 ± 0.7" in ours
    assert "- MAX, as many MACs: -12.0 ± 0.0" in rest
    assert "MAX before" not in ours  # not measured yet


def test_a_folder_of_other_settings_is_refused(data):
    out = data / "out"
    out.mkdir()
    (out / "settings.json").write_text(json.dumps({"iters": 7}))
    argv = ["--data", str(data), "--work-dir", str(out), "--targets", "dogs"]
    assert "holds results of {'iters': 7}" in failure_of(load_tool(TOOL), argv)

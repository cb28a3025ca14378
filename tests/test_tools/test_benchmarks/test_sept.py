"""The tables of SEPT's evidence, from results that are given."""

import json

import pytest

from studies.stages import MEASURES
from tests.test_tools._tools import failure_of, load_tool

_TOOL = "benchmarks/sept_evidence"
_TOP1 = {"scratch": 20.0, "random": 30.0, "sept": 40.0, "whole": 50.0}


@pytest.fixture
def data(tmp_path):
    pool = tmp_path / "data" / "pool"
    (pool / "images").mkdir(parents=True)
    (tmp_path / "data" / "classification" / "dogs").mkdir(parents=True)
    rows = ["a.png,dogs", "b.png,dogs", "c.png,cats", "d.png,birds", "e.png,birds"]
    (pool / "sources.csv").write_text("\n".join(["image,source", *rows]))
    return tmp_path / "data"


def _write_seed(folder, shift):
    for name, chosen in (("dogs", "a.png b.png"), ("random", "a.png d.png")):
        (folder / "selection" / name).mkdir(parents=True)
        (folder / "selection" / name / "selection.txt").write_text(chosen)
    (folder / "results").mkdir()
    for arm, value in _TOP1.items():
        for method in MEASURES:
            found = {"metrics": {"top1": {"mean": value + shift}}}
            file = folder / "results" / f"dogs-{arm}-{method}.json"
            file.write_text(json.dumps(found))


def test_tables_of_made_up_results(data, tmp_path, capsys):
    out = tmp_path / "out"
    for seed, shift in enumerate((0, 2)):
        _write_seed(out / f"seed{seed}", shift)
    argv = ["--data", str(data), "--work-dir", str(out), "--targets", "dogs"]
    load_tool(_TOOL).main([*argv, "--seeds", "2", "--tables-only"])
    text = capsys.readouterr().out
    assert "| dogs | 40.0 % | 100.0 ± 0.0 % | 50.0 ± 0.0 % |" in text
    row = "| dogs | 21.0 ± 1.4 | 31.0 ± 1.4 | 41.0 ± 1.4 | 51.0 ± 1.4 |"
    assert text.count(row) == len(MEASURES)
    assert "own source |" not in text.split("top-1")[1]  # no oracle


def test_a_missing_target_is_said(data, tmp_path):
    out = str(tmp_path / "out")
    argv = ["--data", str(data), "--work-dir", out, "--targets", "cats"]
    assert "cats does not exist" in failure_of(load_tool(_TOOL), argv)

"""The tables of the evidence, from results that are given."""

import json

import pytest

from tests.test_tools._tools import failure_of, load_tool

_NAME = "benchmarks/dspnet_evidence"
_WIDTHS = ["1", "0.75", "0.5", "0.25"]


@pytest.fixture
def data(tmp_path):
    for name in ("pool/images", "classification/a", "classification/b"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return tmp_path / "data"


def _write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def _results(out, seed, arm, kNN):
    for width in _WIDTHS:
        rows = {
            name: {"kNN": kNN + shift, "linear": 50.0, "rank": 9.0}
            for name, shift in (("a", -5), ("b", 5))
        }
        _write(out / f"seed{seed}" / "results" / f"{arm}-{width}.json", rows)


def test_difference_is_paired_and_costs_are_of_the_sum(data, tmp_path, capsys):
    out = tmp_path / "out"
    for seed, (alone, slimmed) in enumerate([(30, 31), (40, 43), (50, 52)]):
        _results(out, seed, "alone", alone)
        _results(out, seed, "sandwich", slimmed)
        _results(out, seed, "untrained", 20)
        for width in _WIDTHS:
            path = out / f"seed{seed}" / f"alone-{width}" / "cost.json"
            _write(path, {"cpu_seconds": 25.0})
        _write(out / f"seed{seed}" / "sandwich" / "cost.json", {"cpu_seconds": 80.0})
    argv = ["--data", str(data), "--work-dir", str(out), "--tables-only"]
    load_tool(_NAME).main(argv)
    text = capsys.readouterr().out
    # Differences 1, 3, 2: mean 2, sample deviation 1, standard error 1 / sqrt(3).
    line = next(row for row in text.splitlines() if row.startswith("| 1 |"))
    assert line.endswith("| 3 | 20.0 ± 0.0 | 40.0 ± 10.0 | 42.0 ± 10.5 | +2.0 ± 0.6 |")
    assert "| sum of the controls | 100 ± 0 | 100 % |" in text
    assert "slimmable, sandwich(3) | 80 ± 0 | 80 % |" in text
    assert "kNN on b" in text


def test_what_is_not_measured_is_left_open(data, tmp_path, capsys):
    out = tmp_path / "out"
    _results(out, 0, "alone", 30)
    argv = ["--data", str(data), "--work-dir", str(out), "--tables-only"]
    load_tool(_NAME).main(argv)
    assert "| 0 | - | 30.0 | - | - |" in capsys.readouterr().out


def test_a_wrong_folder_is_said(tmp_path):
    argv = ["--data", str(tmp_path), "--work-dir", str(tmp_path), "--tables-only"]
    assert "pool/images does not exist" in failure_of(load_tool(_NAME), argv)

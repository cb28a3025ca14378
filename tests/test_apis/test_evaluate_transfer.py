"""The transfer protocol as a value: in memory, or in a folder that goes on."""

import json

import pytest

from mmtaskssl import apis
from mmtaskssl.cli.eval_transfer import _PROBES
from mmtaskssl.evaluation.transfer_probes import PROBES
from mmtaskssl.utils.errors import UserError
from tests._public_sets import make_public_sets
from tests.test_tools.test_extract_features import CONFIG


@pytest.fixture
def given(tmp_path):
    (tmp_path / "config.py").write_text(CONFIG)
    root = make_public_sets(tmp_path / "data", ("dtd",))
    running = {"image_size": 12, "workers": 0, "device": "cpu", "probes": ["knn"]}
    return ((tmp_path / "config.py", "random"), root), {**running, "sets": ["dtd"]}


def test_in_memory_or_in_a_folder(given, tmp_path):
    network, options = given
    found = apis.evaluate_transfer(*network, **options)
    (row,) = found.rows
    assert found.mean == {"knn": row["score"]} and "dtd" in found.table()
    assert {path.name for path in tmp_path.iterdir()} == {"config.py", "data"}
    kept = apis.evaluate_transfer(*network, tmp_path / "out", **options)
    assert kept.to_dict()["rows"][0]["metrics"] == row["metrics"]
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["kind"] == "transfer evaluation"
    saved = found.save(tmp_path / "saved") / "evaluation.json"
    assert json.loads(saved.read_text())["mean"] == found.mean


def test_a_folder_of_version_0_1_goes_on(given, tmp_path, monkeypatch):
    network, options = given
    first = apis.evaluate_transfer(*network, tmp_path / "out", **options)
    (tmp_path / "out" / "record.json").unlink()
    monkeypatch.setattr("mmtaskssl.evaluation.transfer_protocol.extract_to_store", None)
    again = apis.evaluate_transfer(*network, tmp_path / "out", **options)
    assert again.to_dict() == first.to_dict()


def test_folders_and_files_of_others_stay(given, tmp_path):
    network, options = given
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"thesis.txt"):
            apis.evaluate_transfer(
                *network, tmp_path / "out", overwrite=overwrite, **options
            )
    with pytest.raises(UserError, match="is not a transfer evaluation"):
        apis.evaluate_transfer(*network, keep=tmp_path / "config.py", **options)
    with pytest.raises(UserError, match="must be one of linear, knn, svm"):
        apis.evaluate_transfer(*network, **{**options, "probes": ["best"]})


def test_names_on_the_command_line_are_those_of_the_package():
    assert tuple(PROBES) == _PROBES

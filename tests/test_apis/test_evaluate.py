"""Evaluation as a value: of stores, features, or a network and a folder."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from mmtaskssl import apis
from mmtaskssl.cli.evaluate import _PROBES
from mmtaskssl.evaluation.data import LabeledFeatures
from mmtaskssl.evaluation.methods import PROBE_NAMES
from mmtaskssl.features.memory import MemoryStore
from mmtaskssl.utils.errors import UserError
from tests._images import make_image_folder
from tests.test_evaluation.test_subnets import SLIMMABLE

NAMES = ("cat", "emu", "owl")


@pytest.fixture
def stores():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 8))

    def store(split):
        labels = [NAMES[i % 3] for i in range(30)]
        x = np.array([centres[i % 3] for i in range(30)])
        x += 0.3 * rng.normal(size=x.shape)
        ids = [f"{split}{i}" for i in range(30)]
        return MemoryStore(x, ids, labels=labels, name=split)

    return store("train"), store("test")


def test_stores_go_in_and_a_value_comes_out(stores, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = apis.evaluate(stores, probe=["knn", "linear"], shots=4, seeds=3)
    assert found.metric == "top1" and len(found.runs) == 3
    assert found.mean == pytest.approx(np.mean([run["top1"] for run in found.runs]))
    assert found.spread == pytest.approx(
        np.std([run["top1"] for run in found.runs], ddof=1)
    )
    assert found.means.keys() == {"kNN", "linear"} and found.means["kNN"] == found.mean
    text = found.table()
    assert "kNN: 30 training images, 4 shots a class" in text
    assert "weight decay" in text and "note: k is 12, as many" in text
    value = json.loads(json.dumps(found.to_dict()))
    assert value["data"] == ["train", "test"] and value["k"] == 20
    assert value["results"]["linear"]["metrics"]["top1"]["mean"] > 80
    assert not [*tmp_path.iterdir()]  # nothing was written


def test_folders_and_labelled_features_are_the_same(stores, tmp_path):
    train, test = (
        s.save(tmp_path / name) for s, name in zip(stores, "ab", strict=True)
    )
    y = torch.arange(30) % 3
    features = [
        LabeledFeatures(torch.from_numpy(store.read()), y, list(NAMES))
        for store in stores
    ]
    folders = apis.evaluate((tmp_path / "a", str(tmp_path / "b")), probe="linear")
    assert folders.results == apis.evaluate((train, test), probe="linear").results
    assert folders.results == apis.evaluate(tuple(features), probe="linear").results


def test_a_result_is_kept_where_nothing_else_is(stores, tmp_path):
    file = tmp_path / "r.json"
    found = apis.evaluate(stores, keep=file)
    assert json.loads(file.read_text()) == found.to_dict()
    again = apis.evaluate(stores, k=3, keep=file)  # an evaluation gives way to another
    assert json.loads(file.read_text()) == again.to_dict()
    for text in ("my notes", '{"a": 1}', "[1]"):
        file.write_text(text)
        with pytest.raises(UserError, match="is not an evaluation"):
            apis.evaluate(stores, keep=file)
        assert file.read_text() == text
    with pytest.raises(UserError, match="is a folder: name a file"):
        apis.evaluate(stores, keep=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_it_is_saved_when_it_is_asked_to(stores, tmp_path):
    found = apis.evaluate(stores)
    folder = found.save(tmp_path / "out")
    assert json.loads((folder / "evaluation.json").read_text()) == found.to_dict()
    with pytest.raises(UserError, match="same inputs"):
        apis.evaluate(stores, k=3).save(folder)
    apis.evaluate(stores, k=3).save(folder, overwrite=True)
    assert "top1" in found.report(tmp_path / "page.html").read_text()


def test_networks_and_sub_nets_on_a_folder(tmp_path):
    for split, seed in (("train", 0), ("test", 1)):
        make_image_folder(tmp_path / "t" / split, 4, ("red", "blue"), seed=seed)
    config = tmp_path / "config.py"
    config.write_text(SLIMMABLE)
    running = {"workers": 0, "device": "cpu"}
    whole = apis.evaluate((config, "random"), tmp_path / "t", **running)
    assert whole.facts["extractor"] == [str(config), "random"]
    parts = apis.evaluate(
        *((config, "random"), tmp_path / "t"),
        probe=("knn", "linear"),
        subnets="all",
        **running,
    )
    assert len(parts) == 2 and "M MACs" in parts.table()
    assert parts.means("kNN")[parts.rows[0]["subnet"]] == whole.mean
    assert parts.means() == parts.means("kNN") != {}
    assert json.loads(json.dumps(parts.to_dict()))["rows"][1]["name"] == "MIN 0.25"
    saved = parts.save(tmp_path / "saved") / "evaluation.json"
    assert json.loads(saved.read_text()) == json.loads(json.dumps(parts.to_dict()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probe": "best"}, "knn, linear, few-shot-svm, not 'best'"),
        ({"probe": []}, "unknown probe"),
        ({"probe": "few-shot-svm"}, "need `shots`"),
        ({"seeds": 3}, "give both"),
        ({"subnets": "all"}, "and a target"),
        ({"calibrate": "images"}, "only to sub-nets"),
        ({"data": "store"}, "name the data"),
    ],
)
def test_bad_options(stores, options, words):
    data = options.pop("data", stores)
    with pytest.raises(UserError, match=words):
        apis.evaluate(data, **options)


def test_names_on_the_command_line_are_those_of_the_package():
    assert _PROBES == PROBE_NAMES


def test_the_parsers_import_no_torch():
    names = ("evaluate", "eval_knn", "eval_linear")
    code = "import sys, importlib\n" + "\n".join(
        f"importlib.import_module('mmtaskssl.cli.{name}').make_parser().format_help()"
        for name in names
    )
    code += "\nsys.exit('torch' in sys.modules or 'mmengine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

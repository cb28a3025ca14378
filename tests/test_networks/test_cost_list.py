"""What sub-nets cost, as a value."""

import json

import pytest
from mmengine.config import Config

from mmtaskssl import apis
from mmtaskssl.utils.errors import UserError

SLIMMABLE = {"type": "mmtaskssl.SlimmableResNet", "depth": 18, "widths": [1, 0.5]}


@pytest.fixture
def found():
    return apis.list_costs(Config({"model": {"backbone": SLIMMABLE}}), "all", shape=64)


def test_it_lives_in_memory(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(found) == 2 and "GMACs" in found.table()
    assert found.summary().startswith("2 sub-nets; costs of all of them")
    told = json.loads(json.dumps(found.to_dict()))
    assert told["rows"][0]["params"] == 11176512
    assert told["rows"][0]["latency"] is None
    assert "GMACs" in found._repr_html_() and not [*tmp_path.iterdir()]


def test_costs_are_of_the_image_that_a_config_trains_on(found):
    assert found.table().endswith("MACs are of an image of 64x64 pixels")
    model = {"backbone": SLIMMABLE, "data_preprocessor": {"view_size": 64}}
    own = apis.list_costs(Config({"model": model}), "all")
    assert own.shape == 64 and own.table() == found.table()
    space = apis.list_costs(Config({"space": "data_basic"}), ["MIN"])
    assert space.shape == 224


def test_latencies_are_measured():
    space = Config({"space": "data_basic"})
    options = {"latency": True, "repeats": 2, "device": "cpu", "shape": 32}
    (row,) = apis.list_costs(space, ["MIN"], **options).to_dict()["rows"]
    assert 0 < row["latency"]["low"] <= row["latency"]["median"]


def test_it_is_saved_when_it_is_asked_to(found, tmp_path):
    folder = found.save(tmp_path / "costs")
    assert {p.name for p in folder.iterdir()} == {"costs.csv", "record.json"}
    assert (folder / "costs.csv").read_text() == found.csv()
    (folder / "mine.txt").touch()
    with pytest.raises(UserError, match=r"holds 'mine\.txt'"):
        found.save(folder, overwrite=True)


def test_files_of_others_stay(found, tmp_path):
    path = tmp_path / "table.csv"
    found.write_csv(path)
    found.write_csv(path)
    path.write_text("name,age\n")
    with pytest.raises(UserError, match="is not a table of costs"):
        found.write_csv(path)
    assert path.read_text() == "name,age\n"


def test_options_belong_to_a_file(tmp_path):
    path = tmp_path / "c.py"
    path.write_text("space = 'data_basic'")
    found = apis.list_costs(path, cfg_options={"space": "data_bottleneck"})
    assert any(row.anchor == "R50" for row in found.rows)

"""mmengine's and the hosts' own ways to a file lead through the door."""

import io
import pickle
import shutil
from pathlib import Path

import mmengine
import numpy as np
import pytest
import torch
from mmengine.model import BaseModule
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from mmtaskssl.utils.errors import UserError
from mmtaskssl.weights import save_state_dict
from mmtaskssl.weights.guard import guarded

from ._hostile import Payload


@pytest.fixture
def mark(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def hostile(tmp_path, mark):
    content = {"state_dict": {"weight": torch.ones(1, 1)}, "x": Payload(mark)}
    torch.save(content, tmp_path / "x.pth")
    return str(tmp_path / "x.pth")


def test_every_way_of_mmengine_is_refused(hostile, mark, monkeypatch):
    module = torch.nn.Linear(1, 1, bias=False)
    pretrained = BaseModule(init_cfg={"type": "Pretrained", "checkpoint": hostile})
    cached = "http://example.invalid/x.pth"  # in torch's cache: nothing is fetched
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(mark.parent))
    (mark.parent / "checkpoints").mkdir()
    shutil.copy(hostile, mark.parent / "checkpoints")
    content = Path(hostile).read_bytes()
    ways = [
        lambda: CheckpointLoader.load_checkpoint(hostile),
        lambda: load_checkpoint(module, hostile, map_location="cpu"),
        lambda: CheckpointLoader.load_checkpoint(cached),
        lambda: pretrained.init_weights(),
        lambda: torch.load(hostile, weights_only=False),
        lambda: torch.load(io.BytesIO(content), weights_only=False),
    ]
    before = torch.load
    for way in ways:
        with guarded(), pytest.raises(UserError, match="`trust`"):
            way()
        assert not mark.exists() and torch.load is before
    with guarded(trust=True):
        ways[0]()
    assert mark.exists()


def test_safetensors_load_where_mmengine_loads(tmp_path):
    save_state_dict({"weight": torch.full((1, 1), 3.0)}, tmp_path / "x.safetensors")
    module = torch.nn.Linear(1, 1, bias=False)
    with guarded():
        load_checkpoint(module, str(tmp_path / "x.safetensors"))
    assert module.weight.item() == 3


def test_pickled_annotations_are_data(tmp_path, mark):
    rows = {"data_list": [{"box": np.ones(4), "id": 3}]}
    (tmp_path / "good.pkl").write_bytes(pickle.dumps(rows))
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"x": Payload(mark)}))
    with guarded():
        assert mmengine.load(tmp_path / "good.pkl")["data_list"][0]["id"] == 3
        with pytest.raises(UserError, match=r"pickle .*mkdir.*`trust`"):
            mmengine.load(tmp_path / "bad.pkl")
    assert not mark.exists()
    with guarded(trust=True):
        mmengine.load(tmp_path / "bad.pkl")
    assert mark.exists()


@pytest.mark.parametrize("trust", [False, True])
def test_yaml_never_makes_objects(tmp_path, mark, trust):
    (tmp_path / "x.yaml").write_text(f"a: !!python/object/apply:os.mkdir ['{mark}']")
    with guarded(trust), pytest.raises(UserError, match="cannot be read as data"):
        mmengine.load(tmp_path / "x.yaml")
    assert not mark.exists()
    (tmp_path / "x.yaml").write_text("a: [1, {b: null}]")
    with guarded(trust):
        assert mmengine.load(tmp_path / "x.yaml") == {"a": [1, {"b": None}]}

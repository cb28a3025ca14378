"""The run over the hosts' configs: its rows, its tables, and one step of a model."""

import json

import pytest
from mmengine.config import Config

from harness.host_rows import (
    exceptions,
    reason_of,
    run_table,
    summary,
    tracebacks,
    with_tables,
)
from harness.host_step import combination, step
from tests.test_tools._tools import load_tool

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

ROWS = [
    {
        "config": "mmdet::a/1.py",
        "rewired": "fits",
        "combination": "A",
        "step": "trained",
    },
    {"config": "mmdet::a/2.py", "rewired": "fits", "combination": "A"},
    {
        "config": "mmdet::b/1.py",
        "rewired": "fits",
        "combination": "B",
        "step": "refused: lap is not installed",
    },
    {"config": "mmdet::b/2.py", "rewired": "fits", "combination": "B"},
    {"config": "mmseg::c/1.py", "rewired": "refused: export s8-w8 has 3 maps"},
    {"config": "mmseg::c/2.py", "rewired": "refused: export s8-w8 has 3 maps"},
    {
        "config": "mmseg::d.py",
        "rewired": "fits",
        "combination": "D",
        "step": "traceback: Traceback\n  boom",
    },
]


def test_what_is_refused_in_a_step_is_refused_for_each_config_of_its_types():
    found = summary(ROWS)
    assert found["hosts"]["mmdet"] == {
        **{"tried": 4, "rewired": 4, "combinations": 2, "trained": 1},
        **{"refused": 2, "traceback": 0},
    }
    assert found["refused"] == {
        "Lap is not installed": ["mmdet::b/1.py", "mmdet::b/2.py"],
        "The export has 3 maps": ["mmseg::c/1.py", "mmseg::c/2.py"],
    }
    table = run_table(found).splitlines()
    assert table[2] == "| mmdet | 4 | 4 | 2 | 1 | 2 | 0 |"
    assert table[-1] == "| all | 7 | 5 | 3 | 1 | 4 | 1 |"
    assert "| 2 | The export has 3 maps | mmseg/c (2) |" in exceptions(found)
    assert tracebacks(ROWS) == "mmseg::d.py\ntraceback: Traceback\n  boom"


def test_the_page_has_the_tables_of_the_run(repo_root):
    """Made by rewire_hosts.py --page."""
    results = repo_root / "tools" / "benchmarks" / "results" / "hosts.json"
    found = json.loads(results.read_text(encoding="utf-8"))
    page = (repo_root / "docs" / "robustness.md").read_text(encoding="utf-8")
    assert with_tables(page, found) == page
    assert with_tables(page, summary(ROWS)) != page
    assert {*found["hosts"]} == {"mmdet", "mmseg", "mmselfsup", "mmcls"}
    for host, count in found["hosts"].items():
        refused = [n for names in found["refused"].values() for n in names]
        own = [name for name in refused if name.startswith(f"{host}::")]
        assert len(own) == count["refused"] and count["traceback"] == 0


def test_reasons_name_no_export_and_no_place():
    text = (
        "refused: config /a/b/c.py: custom_imports names mmpretrain.models, which "
        "cannot be imported (No module named 'mmpretrain'): install it, or put it "
        "into /a/b"
    )
    assert reason_of(text) == (
        "The config: custom_imports names mmpretrain.models, which cannot be imported "
        "(No module named 'mmpretrain')"
    )
    text = 'refused: config mmdet::a/b.py cannot be read: file "/a/b-c/./d.py" is gone'
    assert reason_of(text) == 'The config cannot be read: file "d.py" is gone'
    text = "refused: export s8-w8.16 gives maps of\n strides 8, 16, 32"
    assert reason_of(text) == "The export gives maps of strides N, ..."


def test_a_later_call_goes_on_where_an_earlier_one_ended(tmp_path):
    tool = load_tool("benchmarks/rewire_hosts")
    kept = tmp_path / "rows.jsonl"
    kept.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    names = [row["config"] for row in ROWS]
    assert [*tool.rows(names, "nowhere", kept)] == ROWS  # nothing was tried again


def test_the_same_model_and_the_same_types_are_tried_once(monkeypatch):
    tool = load_tool("benchmarks/rewire_hosts")
    model = {"type": "FCOS", "backbone": {"type": "ResNet", "depth": 18}}
    configs = {
        "a": {"model": model},
        "b": {"model": {**model, "train_cfg": {"x": 1}}},
        "c": {"model": {**model, "backbone": {"type": "ResNet", "depth": 50}}},
    }
    calls = []

    def load(name, options):
        calls.append((name, "backbone" in options))
        return Config(configs[name])

    monkeypatch.setattr(tool, "load_config", load)
    monkeypatch.setattr(tool, "step", lambda cfg: f"depth {cfg.model.backbone.depth}")
    found = [*tool.rows(list("abc"), "export", None)]
    assert [row.get("step") for row in found] == ["depth 18", None, None]
    assert [name for name, wired in calls if wired] == ["a", "c"]
    assert {row["combination"] for row in found} == {"FCOS backbone=ResNet"}


def _classifier(**head):
    head = {"type": "LinearClsHead", "num_classes": 3, "in_channels": 32, **head}
    backbone = {"type": "ResNet", "depth": 18, "base_channels": 4, "stem_channels": 4}
    neck = {"type": "GlobalAveragePooling"}
    model = {"type": "ImageClassifier", "backbone": backbone, "neck": neck}
    pixels = {"mean": [120.0] * 3, "std": [60.0] * 3}
    return Config(
        {
            "default_scope": "mmcls",
            "model": {**model, "head": head},
            "data_preprocessor": pixels,
        }
    )


def test_one_step():
    cfg = _classifier()
    assert step(cfg) == "trained"
    said = step(_classifier(num_classes=-1))
    assert said.startswith("refused: the config's LinearClsHead cannot be built")
    assert step(_classifier(in_channels=31)).startswith("traceback: Traceback")
    types = (
        "ImageClassifier backbone=ResNet neck=GlobalAveragePooling head=LinearClsHead"
    )
    assert combination(cfg.model) == types

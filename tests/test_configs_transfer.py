"""Every classification config of transfer is whole; the debug ones train."""

import json
from pathlib import Path

import pytest
import torch

from mmtaskssl.config import load_config
from mmtaskssl.engine.run import train
from mmtaskssl.registry import DATASETS, MODELS

_ROOT = Path(__file__).resolve().parents[1] / "configs/transfer/classification"
_CONFIGS = sorted(_ROOT.glob("*.py"))
_DEBUG = [path for path in _CONFIGS if "debug" in path.stem]


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_model_builds_and_docstring_names_the_config(path):
    cfg = load_config(str(path))
    with torch.device("meta"):
        model = MODELS.build({**cfg.model, "_scope_": cfg.default_scope})
        scores = model(torch.zeros(2, 3, 64, 64))
    assert scores.shape == (2, cfg.model.head.num_classes)
    frozen = all(not p.requires_grad for p in model.backbone.parameters())
    assert frozen == path.stem.startswith("linear-probe")
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert DATASETS.get(loader.dataset.type) is not None
    docstring = path.read_text().split('"""')[1]
    assert f"classification/{path.stem}.py" in docstring
    _, _, batch, *_ = path.stem.split("_")
    processes, images = map(int, batch.split("-")[0].split("xb"))
    assert cfg.train_dataloader.batch_size == images
    if "debug" not in path.stem:
        assert cfg.auto_scale_lr.base_batch_size == processes * images


def test_the_folder_has_debug_small_and_full():
    for part in ("debug-32px", "folder-40px", "in1k"):
        assert any(path.stem.endswith(part) for path in _CONFIGS)


@pytest.mark.parametrize("path", _DEBUG, ids=lambda p: p.stem)
def test_debug_config_learns(path, tmp_path):
    cfg = load_config(str(path))
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path), "none", "WARNING"
    cfg.experiment_name = path.stem
    train(cfg)
    (log,) = tmp_path.rglob("vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    accuracy = [row["accuracy/top1"] for row in rows if "accuracy/top1" in row]
    assert len(accuracy) == 2 and accuracy[-1] > 40  # of four classes

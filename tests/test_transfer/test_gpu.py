"""A detector, a segmentor and a classifier on a CUDA device."""

import json
import math

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS

from mmtaskssl.engine.run import train

from ._hosts import build, load

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
pytestmark = pytest.mark.gpu

CONFIGS = {
    "detector": "detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py",
    "segmentor": "segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py",
    "classifier": "classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py",
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_two_steps_and_a_validation(kind, resnet_export, tmp_path):
    cfg = load(
        CONFIGS[kind],
        backbone=str(resnet_export),
        max_iters=2,
        **{"train_cfg.val_interval": 2, "default_hooks.logger.interval": 1},
    )
    cfg.work_dir, cfg.launcher, cfg.log_level = str(tmp_path), "none", "ERROR"
    cfg.experiment_name = f"gpu-{kind}"
    train(cfg)
    (log,) = tmp_path.rglob("vis_data/scalars.json")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    assert any("mAP" in key or "mIoU" in key or "top1" in key for key in rows[-1])


@pytest.mark.parametrize("kind", ["segmentor", "classifier"])
def test_outputs_are_those_on_the_cpu(kind, resnet_export, monkeypatch):
    """Those of the detector are compared in test_detection.py."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    cfg = load(CONFIGS[kind], backbone=str(resnet_export))
    model = build(cfg).eval()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    batch = pseudo_collate([dataset[0], dataset[1]])
    found = {}
    for device in ("cpu", "cuda"):
        model.to(device)
        with torch.no_grad():
            images = model.data_preprocessor(batch, False)["inputs"]
            found[device] = model(images, mode="tensor").cpu()
    torch.testing.assert_close(found["cuda"], found["cpu"], rtol=1e-3, atol=1e-3)

"""Every detection and segmentation config is whole and says how to run it."""

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS
from torch.optim import SGD

from mmtaskssl.engine.config import load_config
from mmtaskssl.utils.paths import resource_root

from ._hosts import build

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

_ROOT = resource_root("configs") / "transfer"
_CONFIGS = sorted(
    path
    for task in ("detection", "segmentation")
    for path in (_ROOT / task).rglob("*.py")
    if "_base_" not in path.parts
)


pytestmark = pytest.mark.usefixtures("own_default_scope")


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda p: p.stem)
def test_config(path, resnet_export):
    assert path.name in path.read_text().split('"""')[1]
    options = {"backbone": str(resnet_export), "weights": "random"}
    if "debug" not in path.stem:  # generated images lie nowhere
        options["data_root"] = "/elsewhere"
    cfg = load_config(str(path), options)
    if "debug" not in path.stem:
        loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
        assert all("/elsewhere" in str(loader) for loader in loaders)
        assert "data/" not in str([loader.dataset for loader in loaders])
    model = build(cfg)
    assert sum(p.numel() for p in model.backbone.parameters()) < 1e6


@pytest.mark.parametrize(
    "name",
    [
        "detection/bccd/faster-rcnn_fpn_1xb8-250i_bccd-320px",
        "detection/voc2007_small/faster-rcnn_fpn_1xb8-1k_voc2007-small-320px",
        "segmentation/camvid/fcn_d8_1xb8-400i_camvid-160px",
    ],
)
def test_the_rate_falls_over_a_training_of_any_length(name):
    cfg = load_config(str(_ROOT / f"{name}.py"), {"max_iters": 70})
    assert cfg.train_cfg.max_iters == 70
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warm_up, fall = (
        # As the runner completes them.
        PARAM_SCHEDULERS.build(
            {"end": 70, **part}, default_args={"optimizer": optimizer}
        )
        for part in cfg.param_scheduler
    )
    rates = []
    for _ in range(70):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        warm_up.step()
        fall.step()
    assert rates[0] < 0.1 and max(rates) > 0.9 and rates[-1] < 0.1

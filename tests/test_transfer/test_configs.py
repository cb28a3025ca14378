"""Every detection and segmentation config is whole and says how to run it."""

import pytest

from mmtaskssl.config import load_config
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

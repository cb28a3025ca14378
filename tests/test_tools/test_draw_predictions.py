"""Pictures of predictions, of a detector and of a segmentor."""

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

from mmtaskssl.config import load_config
from tests.test_compat import _host_data

from ._tools import failure_of, load_tool

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

_LOAD = [{"type": "LoadImageFromFile"}]


def _detector(root):
    _host_data.make_voc(root, 3)
    cfg = load_config(
        "transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py",
        {"model.test_cfg.rcnn.score_thr": 0.0, "model.test_cfg.rcnn.max_per_img": 5},
    )
    data = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {
        "type": "VOCDataset",
        "data_root": str(root),
        "ann_file": "VOC2007/list.txt",
        "data_prefix": {"sub_data_root": "VOC2007/"},
        "metainfo": {"classes": _host_data.CLASSES},
        "test_mode": True,
        "pipeline": _LOAD + data.pipeline,
    }
    cfg.default_hooks.visualization.score_thr = 0.0
    return cfg, 2 * _host_data.SIZE


def _segmentor(root):
    _host_data.make_segmentation(root, 3)
    cfg = load_config("transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py")
    data = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {
        "type": "BaseSegDataset",
        "data_root": str(root),
        "data_prefix": {"img_path": "img", "seg_map_path": "ann"},
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "metainfo": data.metainfo,
        "pipeline": [*_LOAD, {"type": "LoadAnnotations"}, *data.pipeline],
    }
    return cfg, 2 * _host_data.SIZE


def _save(cfg, folder):
    """Writes a config and a checkpoint of its untrained model."""
    cfg.log_level = "ERROR"
    # Equal names in one process are one visualizer, with the first one's folder.
    cfg.visualizer.name = str(folder)
    cfg.dump(folder / "config.py")
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    torch.save({"state_dict": state}, folder / "net.pth")
    return [str(folder / "config.py"), str(folder / "net.pth")]


@pytest.mark.parametrize("make", [_detector, _segmentor])
def test_annotations_and_predictions_side_by_side(make, tmp_path, capsys):
    cfg, width = make(tmp_path / "data")
    tool = load_tool("analysis_tools/draw_predictions")
    argv = [*_save(cfg, tmp_path), "--out", str(tmp_path / "out"), "--number", "2"]
    tool.main(argv)
    said = capsys.readouterr().out.splitlines()[-1]
    number, folder = said.split(" pictures: ")
    pictures = sorted((tmp_path / "out").rglob("*.png"))
    assert number == "2" and len(pictures) == 2
    assert {str(path.parent) for path in pictures} == {folder}
    pixels = np.asarray(Image.open(pictures[0]))
    assert pixels.shape == (_host_data.SIZE, width, 3)
    assert (pixels[:, : width // 2] != pixels[:, width // 2 :]).any()


def test_what_cannot_be_drawn(tmp_path):
    tool = load_tool("analysis_tools/draw_predictions")
    cfg, _ = _segmentor(tmp_path / "data")
    argv = _save(cfg, tmp_path)
    end = ["--out", str(tmp_path / "out")]
    (tmp_path / "data/ann/1.png").unlink()
    message = failure_of(tool, [*argv, *end])
    assert "ann/1.png is listed for test but does not exist" in message
    message = failure_of(tool, [*argv, *end, "--number=0"])
    assert "--number must be a whole number from 1" in message
    generated = "transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py"
    assert "does not exist, so nothing" in failure_of(tool, [generated, argv[1], *end])
    classifier = (
        "transfer/classification/finetune_resnet10-w8_1xb16-coslr-12i_debug-32px.py"
    )
    message = failure_of(tool, [classifier, argv[1], *end])
    assert "is of no detector or segmentor" in message

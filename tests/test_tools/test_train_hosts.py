"""tools/train.py and tools/test.py on configs of mmdet and mmseg."""

import pickle
import runpy

import pytest

from mmtaskssl.config import load_config
from mmtaskssl.utils.errors import UserError
from mmtaskssl.utils.paths import resource_root
from tests.test_compat import _host_data

from ._tools import failure_of, load_tool

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

_RUN = """
log_level = "ERROR"
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="SGD", lr=1e-3))
train_cfg = dict(type="IterBasedTrainLoop", max_iters=2)
test_cfg = dict(type="TestLoop")
default_hooks = dict(checkpoint=dict(type="CheckpointHook", by_epoch=False, interval=2))
"""

_DETECTOR = (
    """
_base_ = "mmdet::_base_/models/retinanet_r50_fpn.py"
default_scope = "mmdet"
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32, stacked_convs=1, num_classes=2))
dataset = dict(
    type="VOCDataset", data_root={root!r}, ann_file="VOC2007/list.txt",
    data_prefix=dict(sub_data_root="VOC2007/"),
    metainfo=dict(classes=("red", "green")),
    pipeline=[
        dict(type="LoadImageFromFile"),
        dict(type="LoadAnnotations", with_bbox=True),
        dict(type="Resize", scale=(64, 64)),
        dict(type="PackDetInputs", meta_keys=(
            "img_id", "img_path", "ori_shape", "img_shape", "scale_factor"))])
train_dataloader = dict(
    batch_size=2, sampler=dict(type="InfiniteSampler"), dataset=dataset)
test_dataloader = dict(
    batch_size=1, sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(dataset, test_mode=True))
test_evaluator = dict(type="VOCMetric", metric="mAP")
"""
    + _RUN
)

# Its SyncBN stays, as mmseg's users have it.
_SEGMENTOR = (
    """
_base_ = "mmseg::_base_/models/fcn_r50-d8.py"
default_scope = "mmseg"
model = dict(
    pretrained=None,
    data_preprocessor=dict(size=(64, 64)),
    backbone=dict(depth=18),
    decode_head=dict(num_classes=3, in_channels=512, channels=32),
    auxiliary_head=None)
dataset = dict(
    type="BaseSegDataset", data_root={root!r}, img_suffix=".png",
    seg_map_suffix=".png", data_prefix=dict(img_path="img", seg_map_path="ann"),
    metainfo=dict(classes=("background", "red", "green")),
    pipeline=[
        dict(type="LoadImageFromFile"),
        dict(type="LoadAnnotations"),
        dict(type="PackSegInputs")])
train_dataloader = dict(
    batch_size=2, sampler=dict(type="InfiniteSampler"), dataset=dataset)
test_dataloader = dict(
    batch_size=1, sampler=dict(type="DefaultSampler", shuffle=False), dataset=dataset)
test_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
"""
    + _RUN
)


def _run(tool, *argv):
    main = runpy.run_path(str(resource_root("tools") / tool))["main"]
    return main([str(arg) for arg in argv])


@pytest.mark.parametrize(
    ("text", "make"),
    [
        (_DETECTOR, _host_data.make_voc),
        (_SEGMENTOR, _host_data.make_segmentation),
    ],
    ids=["mmdet", "mmseg"],
)
def test_host_config_trains_and_tests(text, make, tmp_path):
    make(tmp_path / "data")
    config = tmp_path / "config.py"
    config.write_text(text.format(root=str(tmp_path / "data")))
    work_dir = tmp_path / "work"
    _run("train.py", config, "--work-dir", work_dir)
    checkpoint = work_dir / "iter_2.pth"
    assert checkpoint.is_file()

    dump = tmp_path / "predictions.pkl"
    options = ["--out", dump, "--cfg-options", "experiment_name=test"]
    _run("test.py", config, checkpoint, "--work-dir", work_dir, *options)
    with open(dump, "rb") as file:
        assert len(pickle.load(file)) == 2

    with pytest.raises(UserError, match=r"no\.pth does not exist"):
        _run("test.py", config, tmp_path / "no.pth", "--work-dir", work_dir)


def test_names_of_installed_configs():
    cfg = load_config("mmdet::retinanet/retinanet_r50_fpn_1x_coco.py")
    assert cfg.model.type == "RetinaNet"
    cfg = load_config("mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py")
    assert cfg.default_scope == "mmseg"
    name = "selfsup/mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py"
    assert load_config(f"mmtaskssl::{name}").model.type == "MoCo"


def test_a_data_set_without_images(tmp_path):
    tool = load_tool("train")
    name = "transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py"
    argv = [name, "--work-dir", str(tmp_path), "--cfg-options"]
    message = failure_of(tool, [*argv, "train_dataloader.dataset.num_images=0"])
    assert "a data set of the config is empty" in message

"""Exports in models whose configs count feature maps in other ways than a ResNet's."""

import json

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import OPTIM_WRAPPERS, PARAM_SCHEDULERS

from mmtaskssl.config import ExportInfo, load_config, use_export
from mmtaskssl.config import use_export as module
from mmtaskssl.config.rewiring.backbone import replace_backbone
from mmtaskssl.utils.errors import UserError

CHANNELS = (8, 16, 32, 64)
EXPORT = ExportInfo(
    None,
    "s8-w8.16.32.64-d1.1.1.1",
    {"type": "mmtaskssl.SubnetResNet", "subnet": "s8-w8.16.32.64-d1.1.1.1"},
    CHANNELS,
    (0, 1, 2, 3),
    None,
)


def rewired(**model):
    cfg = Config({"model": model})
    use_export(cfg, EXPORT)
    return cfg.model


@pytest.mark.parametrize("given", [{}, {"out_indices": (3, 4, 5)}])
def test_three_maps_are_the_last_three(given):
    """CSPDarknet's default, and Darknet's numbers, are strides 8 to 32."""
    model = rewired(
        backbone={"type": "Darknet", **given},
        neck={"in_channels": [128, 256, 512]},
        bbox_head={"in_channels": 128},
    )
    assert model.backbone.out_indices == (1, 2, 3)
    assert model.neck.in_channels == [16, 32, 64]
    assert model.bbox_head.in_channels == 128


def test_segmentors_layers_of_a_mobilenet():
    head = {"in_channels": (16, 16, 576), "in_index": (0, 1, 2)}
    model = rewired(backbone={"out_indices": (0, 1, 12)}, decode_head=head)
    assert model.backbone.out_indices == (1, 2, 3)
    assert model.decode_head.in_channels == [16, 32, 64]


@pytest.mark.parametrize("part", ["decode_head", "panoptic_head"])
def test_mask2former_reads_all_maps(part):
    model = rewired(backbone={}, **{part: {"in_channels": [256, 512, 1024, 2048]}})
    assert model[part] == {"in_channels": [*CHANNELS]}


def test_solo():
    model = rewired(
        backbone={}, neck={"in_channels": [1] * 4}, mask_head={"in_channels": 256}
    )
    assert model.neck.in_channels == [*CHANNELS]
    assert model.mask_head.in_channels == 256


def test_maps_that_an_export_does_not_have():
    with pytest.raises(UserError, match=r"decode_head reads feature map 4 .* gives 4"):
        rewired(backbone={}, decode_head={"in_channels": 64, "in_index": 4})
    with pytest.raises(UserError, match="the neck HRFuseScales cannot follow"):
        neck = [{"type": "HRFuseScales"}, {"type": "GlobalAveragePooling"}]
        rewired(backbone={}, neck=neck, head={"in_channels": 64})
    short = ExportInfo(None, "s8-w8.16", EXPORT.plain_network, (8, 16), (0, 1), None)
    cfg = Config({"model": {"backbone": {"out_indices": (3,)}, "bbox_head": {}}})
    with pytest.raises(UserError, match=r"2 feature maps, none of .* reads: \(3,\)"):
        use_export(cfg, short)


def test_nothing_is_loaded_over_the_export(resnet_export, tmp_path):
    path = tmp_path / "config.py"
    path.write_text(
        "load_from = 'https://host/detector.pth'\n"
        "pretrained = dict(type='Pretrained', checkpoint='x.pth')\n"
        "model = dict(backbone=dict(), bbox_head=dict(), init_cfg=pretrained)\n"
    )
    with pytest.raises(UserError, match=r"loads https.*pth over .* load_from=None"):
        load_config(str(path), {"backbone": str(resnet_export)})
    options = {"backbone": str(resnet_export), "load_from": None}
    cfg = load_config(str(path), options)
    # With it mmengine would not initialise the parts of the model.
    assert "init_cfg" not in cfg.model and "init_cfg" in cfg.model.backbone


def test_a_map_of_a_stage_that_is_none(resnet_export, tmp_path):
    meta = json.loads((resnet_export / "meta.json").read_text())
    meta["pyramid"] = [0, 1, 2, 9]
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(UserError, match=r"meta\.json is damaged .*: export again"):
        ExportInfo.read(tmp_path, trained=False)


CAFFE = {"mean": [103.53, 116.28, 123.675], "std": [1.0, 1.0, 1.0]}
OURS = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}


@pytest.mark.parametrize(
    ("preprocessor", "warned"),
    [
        ({"type": "DetDataPreprocessor", **CAFFE, "bgr_to_rgb": False}, True),
        ({"type": "SegDataPreProcessor", **OURS, "bgr_to_rgb": False}, True),
        ({"type": "DetDataPreprocessor", "pad_size_divisor": 32}, True),
        ({"type": "DetDataPreprocessor", **OURS, "bgr_to_rgb": True}, False),
        ({**OURS, "to_rgb": True}, False),
        ({"type": "LabeledViewPreprocessor", "view_size": 40}, False),
    ],
)
def test_other_pixels_are_said(preprocessor, warned, monkeypatch):
    said = []
    monkeypatch.setitem(
        module.__globals__, "print_log", lambda text, *_: said.append(text)
    )
    rewired(backbone={}, bbox_head={}, data_preprocessor=preprocessor)
    assert any("pixels are not those" in text for text in said) == warned


def test_layers_that_exports_lack_are_said(monkeypatch):
    said = []
    names = replace_backbone.__globals__
    monkeypatch.setitem(names, "print_log", lambda text, *_: said.append(text))
    deformable = {"type": "DCNv2", "deform_groups": 1}
    rewired(backbone={"dcn": deformable, "plugins": None}, bbox_head={})
    assert len(said) == 1 and "has dcn, exports have not" in said[0]
    rewired(backbone={"dcn": None}, bbox_head={})
    assert len(said) == 1


SMALL = (
    "transfer/detection/bccd/faster-rcnn_fpn_1xb8-250i_bccd-320px.py",
    "transfer/detection/voc2007_small/faster-rcnn_fpn_1xb8-1k_voc2007-small-320px.py",
    "transfer/segmentation/camvid/fcn_d8_1xb8-400i_camvid-160px.py",
)


@pytest.mark.parametrize("name", SMALL, ids=lambda name: name.split("/")[2])
@pytest.mark.parametrize("key", ["max_iters", "train_cfg.max_iters"])
def test_small_schedules_end_with_the_training(name, key):
    """Neither before, at a rate of zero from there on, nor in the middle."""
    length = 2000
    cfg = load_config(name, {key: length})
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    wrapper = OPTIM_WRAPPERS.build({"type": "OptimWrapper", "optimizer": optimizer})
    schedulers = [
        PARAM_SCHEDULERS.build({"end": length, **one, "optimizer": wrapper})
        for one in cfg.param_scheduler
    ]
    rates = []
    for _ in range(length):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    assert rates[length // 2] > 0.4 and 0 < rates[-2] < 0.01

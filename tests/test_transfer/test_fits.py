"""One pass without memory: what fits into a model of the hosts, or why it does not."""

import pytest
from mmengine.config import Config

from mmtaskssl.config import ExportInfo, use_export
from mmtaskssl.config.rewiring.levels import fitting_levels, is_resnet
from mmtaskssl.utils.errors import UserError

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

NAME = "s8-w8.16.32.64-d1.1.1.1"
NETWORK = {
    "type": "mmtaskssl.SubnetResNet",
    "subnet": NAME,
    "arch": {"kind": "resnet", "block": "basic"},
}
EXPORT = ExportInfo(None, NAME, NETWORK, (8, 16, 32, 64), (0, 1, 2, 3), None)
SWIN = {
    "type": "SwinTransformer",
    "embed_dims": 16,
    "depths": (1, 1, 1, 1),
    "num_heads": (1, 1, 1, 1),
    "strides": (4, 2, 2, 2),
}
VIT = {
    "img_size": 64,
    "embed_dims": 16,
    "num_layers": 4,
    "num_heads": 1,
    "out_indices": (0, 1, 2, 3),
}
FCN = {"type": "FCNHead", "channels": 8, "num_classes": 3, "num_convs": 1}
UPER = {"type": "UPerHead", "channels": 8, "num_classes": 3, "in_index": [0, 1, 2, 3]}
UPER |= {"in_channels": [16] * 4}
PIXELS = {"type": "SegDataPreProcessor", "mean": [1.0] * 3, "std": [1.0] * 3}


def rewired(scope, **model):
    kind = {
        "mmseg": "EncoderDecoder",
        "mmdet": "FasterRCNN",
        "mmcls": "ImageClassifier",
    }
    cfg = Config({"default_scope": scope, "model": {"type": kind[scope], **model}})
    use_export(cfg, EXPORT)
    return cfg


def test_strides_of_a_transformer_are_not_those_of_a_resnets_stages():
    """Swin's first one is its patches': taken over it made 16 to 128 of 4 to 32."""
    head = {**UPER, "in_channels": [16, 32, 64, 128]}
    model = rewired("mmseg", backbone=SWIN, decode_head=head).model
    assert model.backbone.strides == (1, 2, 2, 2)
    assert model.decode_head.in_channels == [8, 16, 32, 64]


def test_a_mobilenets_dilation_is_kept():
    backbone = {
        "type": "MobileNetV2",
        "strides": (1, 2, 2, 1, 1, 1, 1),
        "dilations": (1, 1, 1, 2, 2, 4, 4),
        "out_indices": (1, 2, 4, 6),
    }
    head = {**FCN, "in_channels": 320, "in_index": 3}
    model = rewired("mmseg", backbone=backbone, decode_head=head).model
    assert model.backbone.strides == (1, 2, 1, 1)
    assert model.backbone.dilations == (1, 1, 2, 4)


def test_neck_that_makes_a_pyramid_of_a_plain_transformer_is_left_out():
    backbone = {"type": "mmseg.MAE", **VIT}
    neck = {"type": "Feature2Pyramid", "embed_dim": 16, "rescales": [4, 2, 1, 0.5]}
    model = rewired("mmseg", backbone=backbone, neck=neck, decode_head=UPER).model
    assert "neck" not in model and model.decode_head.in_channels == [8, 16, 32, 64]


def test_kernel_head_of_k_net():
    head = {
        "type": "IterativeDecodeHead",
        "num_stages": 0,
        "kernel_update_head": [],
        "kernel_generate_head": {**FCN, "in_channels": 2048, "in_index": 3},
    }
    model = rewired("mmseg", backbone={"type": "ResNet", "depth": 18}, decode_head=head)
    assert model.model.decode_head.kernel_generate_head.in_channels == 64


def test_stage_that_no_head_reads_has_no_gradient():
    backbone = {"type": "ResNet", "depth": 18, "out_indices": (0, 1, 2)}
    last = {**FCN, "in_channels": 256, "in_index": 2}
    assert rewired("mmseg", backbone=backbone, decode_head=last).find_unused_parameters
    backbone, last = {"type": "ResNet", "depth": 18}, {**last, "in_index": 3}
    cfg = rewired("mmseg", backbone=backbone, decode_head=last)
    assert "find_unused_parameters" not in cfg


def test_maps_of_several_branches_are_refused():
    backbone = {"type": "FastSCNN"}
    with pytest.raises(
        UserError, match=r"FastSCNN gives .* strides 8, 32, 8: they are"
    ):
        rewired("mmseg", backbone=backbone, decode_head={**FCN, "in_channels": 128})


def test_images_of_six_channels_are_refused():
    six = {**PIXELS, "mean": [1.0] * 6, "std": [1.0] * 6}
    model = {"backbone": {"type": "ResNet", "depth": 18}, "data_preprocessor": six}
    with pytest.raises(UserError, match=r"have 6 channels, and export .* reads 3"):
        rewired("mmseg", decode_head={**FCN, "in_channels": 512}, **model)


def test_yolov3s_neck_begins_with_the_last_map():
    backbone = {"type": "Darknet", "depth": 53, "out_indices": (3, 4, 5)}
    neck = {
        "type": "YOLOV3Neck",
        "num_scales": 3,
        "in_channels": [1024, 512, 256],
        "out_channels": [64, 32, 16],
    }
    model = rewired("mmdet", backbone=backbone, neck=neck, bbox_head={}).model
    assert model.neck.in_channels == [64, 32, 16]


def test_regions_of_a_dilated_last_map():
    backbone = {"type": "ResNet", "depth": 18, "out_indices": (3,)}
    backbone |= {"strides": (1, 2, 2, 1), "dilations": (1, 1, 1, 2)}
    roi = {
        "bbox_roi_extractor": {"out_channels": 512, "featmap_strides": [16]},
        "bbox_head": {"in_channels": 512},
    }
    head = {"type": "RPNHead", "in_channels": 512, "feat_channels": 8}
    model = rewired("mmdet", backbone=backbone, rpn_head=head, roi_head=roi).model
    assert model.backbone.strides == (1, 2, 2, 1)
    assert model.rpn_head.in_channels == 64
    assert model.roi_head.bbox_roi_extractor.out_channels == 64
    assert model.roi_head.bbox_head.in_channels == 64


def test_anchors_of_other_strides_are_refused():
    """Four maps up to stride 64 cannot be those of four stages."""
    backbone = {"type": "CSPNeXt", "arch": "P6", "widen_factor": 0.125}
    backbone |= {"deepen_factor": 0.1, "out_indices": (2, 3, 4, 5)}
    neck = {"type": "FPN", "in_channels": [32, 64, 96, 128], "out_channels": 8}
    neck |= {"num_outs": 4}
    said = r"FPN gives maps of strides .*made for strides 8"
    with pytest.raises(UserError, match=said):
        rewired("mmdet", backbone=backbone, neck=neck, bbox_head={})


def test_classifiers_without_a_pool():
    head = {"type": "LinearClsHead", "num_classes": 3, "in_channels": 16}
    backbone = {"type": "mmcls.ResNet", "depth": 18}
    model = rewired("mmcls", backbone=backbone, head=dict(head)).model
    assert model.neck.type.endswith("GlobalAveragePooling")
    tokens = {**head, "type": "mmcls.VisionTransformerClsHead"}
    with pytest.raises(UserError, match=r"VisionTransformerClsHead cannot .*take a"):
        rewired("mmcls", backbone=dict(backbone), head=tokens)
    with pytest.raises(UserError, match=r"no head \(head=None\)"):
        rewired("mmcls", backbone=dict(backbone), head=None)


@pytest.mark.parametrize(
    ("wanted", "read", "strides"),
    [
        ((4, 8, 16, 32), (0, 1, 2, 3), (4, 8, 16, 32)),
        ((8, 16, 32), (1, 2, 3), (4, 8, 16, 32)),
        ((4, 8, 8, 8), (0, 1, 2, 3), (4, 8, 8, 8)),
        ((16,), (3,), (4, 8, 16, 16)),
        ((8, 4), None, None),
    ],
)
def test_stages_for_strides(wanted, read, strides):
    found = fitting_levels(EXPORT, wanted)
    assert (found and (found.read, found.strides)) == (read and (read, strides))


def test_what_is_a_resnet():
    for kind in ("ResNet", "mmdet.ResNeXt", "DetectoRS_ResNet", "RegNet", None):
        assert is_resnet({"type": kind})
    for kind in ("SwinTransformer", "HRNet", "MobileNetV2", "mmseg.CSPNeXt"):
        assert not is_resnet({"type": kind})


def test_heads_that_only_distil_are_refused():
    head = {"type": "mmcls.EfficientFormerClsHead", "num_classes": 3, "in_channels": 8}
    backbone = {"type": "mmcls.ResNet", "depth": 18}
    with pytest.raises(UserError, match=r"set model\.head\.distillation=False"):
        rewired("mmcls", backbone=dict(backbone), head=dict(head))
    head["distillation"] = False
    model = rewired("mmcls", backbone=backbone, head=head).model
    assert model.head.in_channels == 64


def test_head_that_takes_three_tokens_apart_does_not_take_three_images():
    head = {"type": "mmcls.DeiTClsHead", "num_classes": 3, "in_channels": 8}
    with pytest.raises(UserError, match=r"DeiTClsHead cannot read its input"):
        rewired("mmcls", backbone={"type": "mmcls.ResNet", "depth": 18}, head=head)


def test_head_without_a_convolution_is_as_wide_as_what_it_reads():
    """CGNet's, which asserts it."""
    backbone, head = {"type": "CGNet"}, {**FCN, "in_channels": 256, "channels": 256}
    model = rewired("mmseg", backbone=backbone, decode_head={**head, "num_convs": 0})
    assert model.model.decode_head.channels == model.model.decode_head.in_channels == 64


@pytest.mark.parametrize("neck", ["SSDNeck", "RFP"])
def test_detectors_that_are_one_with_their_backbone_say_so(neck):
    model = {"backbone": {"type": "SSDVGG", "depth": 16}, "bbox_head": {}}
    said = rf"FasterRCNN is one with its backbone: its neck {neck} .*take another"
    with pytest.raises(UserError, match=said):
        rewired("mmdet", neck={"type": neck, "in_channels": [512, 1024]}, **model)


def test_weights_of_stages_that_a_config_leaves_out_are_left_out(tmp_path):
    """RPN on C4 reads three stages, and the export's file has four."""
    network = {**NETWORK, "type": "mmtaskssl.SubnetResNet"}
    export = ExportInfo(
        tmp_path, NAME, network, (8, 16, 32, 64), (0, 1, 2, 3), tmp_path / "w.pth"
    )
    backbone = {"type": "ResNet", "depth": 18, "num_stages": 3, "out_indices": (2,)}
    backbone |= {"strides": (1, 2, 2), "dilations": (1, 1, 1)}
    head = {"type": "RPNHead", "in_channels": 256, "feat_channels": 8}
    model = {"type": "RPN", "backbone": backbone, "rpn_head": head}
    cfg = Config({"default_scope": "mmdet", "model": model})
    use_export(cfg, export)
    assert cfg.model.backbone.num_stages == 3
    assert cfg.model.backbone.init_cfg.skip == ["layer4."]


def test_head_of_videos_follows():
    backbone = {"type": "ResNet", "depth": 18, "out_indices": (0, 1, 2, 3)}
    head = {"type": "Mask2FormerTrackHead", "in_channels": [256, 512, 1024, 2048]}
    model = {"type": "Mask2FormerVideo", "backbone": backbone, "track_head": head}
    cfg = Config({"default_scope": "mmdet", "model": model})
    use_export(cfg, EXPORT)
    assert cfg.model.track_head.in_channels == [8, 16, 32, 64]


def test_a_model_of_another_package_is_named():
    model = {"type": "Detectron2Wrapper", "detector": {"backbone": {"name": "x"}}}
    with pytest.raises(UserError, match=r"do not fit into the model Detectron2Wrapper"):
        use_export(Config({"default_scope": "mmdet", "model": model}), EXPORT)

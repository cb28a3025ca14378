"""mmdet and mmseg train and test on whichever ``mmcv._ext`` is installed.

The hosts' own model configs, narrowed, learn two generated images by heart: the loss
falls and the metric is far above what an untrained network reaches.
"""

import math

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from . import _host_data

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

BATCH = 2
NARROW_DETECTOR = {
    "model.backbone.depth": 18,
    "model.backbone.init_cfg": None,
    "model.backbone.frozen_stages": -1,
    "model.backbone.norm_eval": False,
    "model.neck.in_channels": [64, 128, 256, 512],
    "model.neck.out_channels": 32,
}
TWO_STAGES = {
    **NARROW_DETECTOR,
    "model.rpn_head.in_channels": 32,
    "model.rpn_head.feat_channels": 32,
    "model.rpn_head.anchor_generator.scales": [4],
    "model.train_cfg.rpn_proposal.nms_pre": 200,
    "model.train_cfg.rpn_proposal.max_per_img": 100,
    "model.test_cfg.rpn.max_per_img": 50,
    "model.roi_head.bbox_roi_extractor.out_channels": 32,
    "model.roi_head.bbox_head.in_channels": 32,
    "model.roi_head.bbox_head.fc_out_channels": 128,
    "model.roi_head.bbox_head.num_classes": 2,
}
MASKS = {
    **TWO_STAGES,
    "model.roi_head.mask_roi_extractor.out_channels": 32,
    "model.roi_head.mask_head.in_channels": 32,
    "model.roi_head.mask_head.conv_out_channels": 32,
    "model.roi_head.mask_head.num_convs": 1,
    "model.roi_head.mask_head.num_classes": 2,
}
ONE_STAGE = {
    **NARROW_DETECTOR,
    "model.bbox_head.in_channels": 32,
    "model.bbox_head.feat_channels": 32,
    "model.bbox_head.stacked_convs": 1,
    "model.bbox_head.num_classes": 2,
}
NARROW_SEGMENTOR = {
    "model.pretrained": None,
    "model.data_preprocessor.size": (_host_data.SIZE, _host_data.SIZE),
    "model.backbone.depth": 18,
    "model.backbone.norm_cfg.type": "BN",
    "model.decode_head.num_classes": 3,
    "model.decode_head.in_channels": 512,
    "model.decode_head.channels": 32,
    "model.decode_head.norm_cfg.type": "BN",
    "model.auxiliary_head": None,
}


def _learn(root, base, changes, iterations, dataset, pipeline, evaluator):
    """Trains and tests a host's config; returns first and last loss and metrics."""
    (root / "config.py").write_text(f'_base_ = "{base}"\n')
    cfg = Config.fromfile(root / "config.py")
    cfg.merge_from_dict(changes)
    dataset = {**dataset, "pipeline": pipeline}
    loader = {"batch_size": BATCH, "sampler": {"type": "InfiniteSampler"}}
    in_order = {"batch_size": BATCH, "sampler": {"type": "DefaultSampler"}}
    cfg.merge_from_dict(
        {
            "default_scope": base.split("::")[0],
            "experiment_name": str(root),
            "work_dir": str(root / "work"),
            "log_level": "ERROR",
            "randomness": {"seed": 0},
            "default_hooks": {"checkpoint": None, "logger": {"type": "LoggerHook"}},
            "train_cfg": {"type": "IterBasedTrainLoop", "max_iters": iterations},
            "train_dataloader": {**loader, "dataset": dataset},
            "optim_wrapper": {"optimizer": {"type": "AdamW", "lr": 1e-3}},
            "test_cfg": {"type": "TestLoop"},
            "test_dataloader": {**in_order, "dataset": {**dataset, "test_mode": True}},
            "test_evaluator": evaluator,
        }
    )
    runner = Runner.from_cfg(cfg)
    runner.train()
    losses, _ = runner.message_hub.get_scalar("train/loss").data
    assert all(math.isfinite(loss) for loss in losses)
    return losses[0], losses[-3:].mean(), runner.test()


def _detect(root, base, changes, iterations, dataset, evaluator, with_mask=False):
    load = {"type": "mmdet.LoadAnnotations", "with_bbox": True, "with_mask": with_mask}
    image, pack = {"type": "LoadImageFromFile"}, {"type": "PackDetInputs"}
    # Predictions are brought back with the scale factor that Resize notes.
    size = {"type": "Resize", "scale": (_host_data.SIZE, _host_data.SIZE)}
    keys = ("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")
    steps = [image, load, size, {**pack, "meta_keys": keys}]
    base = f"mmdet::_base_/models/{base}.py"
    return _learn(root, base, changes, iterations, dataset, steps, evaluator)


def _voc(root):
    _host_data.make_voc(root)
    dataset = {
        "type": "VOCDataset",
        "data_root": str(root),
        "ann_file": "VOC2007/list.txt",
        "data_prefix": {"sub_data_root": "VOC2007/"},
        "metainfo": {"classes": _host_data.CLASSES},
    }
    return dataset, {"type": "VOCMetric", "metric": "mAP"}


def test_faster_rcnn_learns_voc(tmp_path):
    first, last, metrics = _detect(
        tmp_path, "faster-rcnn_r50_fpn", TWO_STAGES, 25, *_voc(tmp_path)
    )
    assert last < first / 2
    assert metrics["pascal_voc/mAP"] > 0.5


def test_retinanet_learns_voc(tmp_path):
    first, last, metrics = _detect(
        tmp_path, "retinanet_r50_fpn", ONE_STAGE, 20, *_voc(tmp_path)
    )
    assert last < first / 2
    assert metrics["pascal_voc/mAP"] > 0.5


def test_mask_rcnn_learns_coco(tmp_path):
    _host_data.make_coco(tmp_path)
    annotations = str(tmp_path / "instances.json")
    dataset = {
        "type": "CocoDataset",
        "data_root": str(tmp_path),
        "ann_file": annotations,
        "data_prefix": {"img": "images"},
        "metainfo": {"classes": _host_data.CLASSES},
    }
    evaluator = {
        "type": "CocoMetric",
        "ann_file": annotations,
        "metric": ["bbox", "segm"],
    }
    first, last, metrics = _detect(
        tmp_path, "mask-rcnn_r50_fpn", MASKS, 40, dataset, evaluator, with_mask=True
    )
    assert last < first / 2
    assert metrics["coco/bbox_mAP_50"] > 0.5
    assert metrics["coco/segm_mAP_50"] > 0.5


@pytest.mark.parametrize(
    "base, changes",
    [("fcn_r50-d8", {}), ("psanet_r50-d8", {"model.decode_head.mask_size": (15, 15)})],
)
def test_segmentor_learns(base, changes, tmp_path):
    _host_data.make_segmentation(tmp_path)
    dataset = {
        "type": "BaseSegDataset",
        "data_root": str(tmp_path),
        "img_suffix": ".png",
        "seg_map_suffix": ".png",
        "data_prefix": {"img_path": "img", "seg_map_path": "ann"},
        "metainfo": {"classes": ("background", *_host_data.CLASSES)},
    }
    steps = [
        {"type": "LoadImageFromFile"},
        {"type": "LoadAnnotations"},
        {"type": "PackSegInputs"},
    ]
    first, last, metrics = _learn(
        tmp_path,
        f"mmseg::_base_/models/{base}.py",
        {**NARROW_SEGMENTOR, **changes},
        15,
        dataset,
        steps,
        {"type": "IoUMetric", "iou_metrics": ["mIoU"]},
    )
    assert last < 0.9 * first
    assert metrics["mIoU"] > 60

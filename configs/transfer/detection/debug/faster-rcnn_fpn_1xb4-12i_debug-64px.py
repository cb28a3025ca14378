r"""Twelve iterations of a Faster R-CNN with an FPN on generated images: does it run?

python tools/train.py \
    configs/transfer/detection/debug/faster-rcnn_fpn_1xb4-12i_debug-64px.py \
    --cfg-options backbone=EXPORT_DIR

Hardware: one CPU core, seconds.
"""

_base_ = ["../_base_/faster-rcnn_fpn_small.py", "../_base_/schedule_small.py"]

model = dict(roi_head=dict(bbox_head=dict(num_classes=2)))
shapes = dict(type="mmtaskssl.SyntheticShapes", size=64)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        **shapes,
        pipeline=[
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        **shapes,
        num_images=4,
        seed=1,
        test_mode=True,
        pipeline=[
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="Resize", scale=(64, 64)),
            dict(
                type="PackDetInputs",
                meta_keys=(
                    "img_id",
                    "img_path",
                    "ori_shape",
                    "img_shape",
                    "scale_factor",
                ),
            ),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="VOCMetric", metric="mAP", eval_mode="area")
test_evaluator = val_evaluator
train_cfg = dict(max_iters=12, val_interval=12)
param_scheduler = [dict(type="ConstantLR", factor=1, by_epoch=False)]
default_hooks = dict(logger=dict(interval=4), checkpoint=dict(interval=12))

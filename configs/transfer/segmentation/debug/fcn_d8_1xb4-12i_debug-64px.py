r"""Twelve iterations of an FCN on generated images: does it run?

python tools/train.py \
    configs/transfer/segmentation/debug/fcn_d8_1xb4-12i_debug-64px.py \
    --cfg-options backbone=EXPORT_DIR

Hardware: one CPU core, seconds.
"""

_base_ = ["../_base_/fcn_small.py", "../_base_/schedule_small.py"]

model = dict(
    data_preprocessor=dict(size=(64, 64)),
    decode_head=dict(num_classes=3),
    auxiliary_head=dict(num_classes=3),
)
shapes = dict(
    type="mmtaskssl.SyntheticShapes",
    size=64,
    metainfo=dict(
        classes=("background", "red", "green"),
        palette=[[0, 0, 0], [255, 0, 0], [0, 255, 0]],
    ),
)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        **shapes,
        pipeline=[dict(type="RandomFlip", prob=0.5), dict(type="PackSegInputs")],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(**shapes, num_images=4, seed=1, pipeline=[dict(type="PackSegInputs")]),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_evaluator = val_evaluator
train_cfg = dict(max_iters=12, val_interval=12)
param_scheduler = [dict(type="ConstantLR", factor=1, by_epoch=False)]
default_hooks = dict(
    logger=dict(interval=4), checkpoint=dict(interval=12, max_keep_ckpts=1)
)

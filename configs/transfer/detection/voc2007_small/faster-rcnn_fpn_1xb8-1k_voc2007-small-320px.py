r"""Any export as a detector of VOC's twenty classes, learned from 300 images.

Made for a folder of 450 images of VOC2007 at short side 256 with lists of our own, 300
to train with and 150 to test; any folder of VOC's form will do. Ours: 1,000 iterations
at 320 px. Difficult objects are neither trained nor tested, as in mmdet. Measured, one
seed: mAP 1.3 from scratch, 2.0 from SimSiam of the small setting; 300 images are few.

python tools/train.py \
    configs/transfer/detection/voc2007_small/faster-rcnn_fpn_1xb8-1k_voc2007-small-320px.py \
    --cfg-options data_root=/data/voc2007_small/ backbone=EXPORT_DIR randomness.seed=0

`weights=random` beside it trains the same architecture from scratch.
Hardware: one CPU core, eight minutes.
"""  # noqa: E501

_base_ = [
    "../_base_/faster-rcnn_fpn_small.py",
    "../_base_/voc_xml_small.py",
    "../_base_/schedule_small.py",
]

data_root = "data/voc2007_small/"
max_iters = 1000

model = dict(roi_head=dict(bbox_head=dict(num_classes=20)))
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
default_hooks = dict(checkpoint=dict(interval=max_iters))
